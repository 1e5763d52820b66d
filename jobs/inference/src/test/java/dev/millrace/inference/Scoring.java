package dev.millrace.inference;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Inbound;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.util.TwoInputStreamOperatorTestHarness;
import org.jspecify.annotations.Nullable;

/** The operator with everything around it in memory. */
final class Scoring implements AutoCloseable {

  final FakeStore store;
  final FakeModels models;
  final ManualTime time;
  final List<LifecycleEntry> announced = new ArrayList<>();
  final TwoInputStreamOperatorTestHarness<Joined, DeploymentRecord, Prediction> harness;

  /** With models of one's own; those of {@link #models} are not asked. */
  Scoring(ScoringPlan plan, ModelLoader loader, DeploymentRecord... log) throws Exception {
    this(plan, loader, new FakeStore(), new FakeModels(), new ManualTime(), null, null, log);
  }

  /** The same with rows. */
  Scoring(ScoringPlan plan, ModelLoader loader, FakeStore store, DeploymentRecord... log)
      throws Exception {
    this(plan, loader, store, new FakeModels(), new ManualTime(), null, null, log);
  }

  Scoring(ScoringPlan plan, DeploymentRecord... log) throws Exception {
    this(plan, new FakeStore(), new FakeModels(), new ManualTime(), null, log);
  }

  Scoring(
      ScoringPlan plan,
      FakeStore store,
      FakeModels models,
      ManualTime time,
      @Nullable OperatorSubtaskState restored,
      DeploymentRecord... log)
      throws Exception {
    this(plan, store, models, time, restored, null, log);
  }

  /**
   * An operator that may be restored.
   *
   * @param written the largest event time among predictions after the checkpoint
   */
  Scoring(
      ScoringPlan plan,
      FakeStore store,
      FakeModels models,
      ManualTime time,
      @Nullable OperatorSubtaskState restored,
      @Nullable Long written,
      DeploymentRecord... log)
      throws Exception {
    this(plan, models, store, models, time, restored, written, log);
  }

  private Scoring(
      ScoringPlan plan,
      ModelLoader loader,
      FakeStore store,
      FakeModels models,
      ManualTime time,
      @Nullable OperatorSubtaskState restored,
      @Nullable Long written,
      DeploymentRecord... log)
      throws Exception {
    this.store = store;
    this.models = models;
    this.time = time;
    harness =
        new TwoInputStreamOperatorTestHarness<>(
            new ScoringOperator(
                plan,
                new ScoringEnds(
                    store,
                    new FixedLog(log),
                    new Announced(announced),
                    new Written(written),
                    loader,
                    time,
                    time)));
    harness.setup(PredictionSerializer.INSTANCE);
    if (restored != null) {
      harness.initializeState(restored);
    }
    harness.open();
  }

  /** What the topic tells of earlier attempts, set before the operator opens. */
  private static final class Written implements PredictionTimes {
    private static final long serialVersionUID = 1L;
    private final @Nullable Long largest;

    Written(@Nullable Long largest) {
      this.largest = largest;
    }

    @Override
    public OptionalLong largest(String model, long sinceMillis) {
      return largest == null || sinceMillis == 0 ? OptionalLong.empty() : OptionalLong.of(largest);
    }
  }

  /** Announcements that stay here. */
  private static final class Announced implements Announcements.Factory {
    private static final long serialVersionUID = 1L;
    private final transient List<LifecycleEntry> entries;

    Announced(List<LifecycleEntry> entries) {
      this.entries = entries;
    }

    @Override
    public Announcements open() {
      return new Announcements() {
        @Override
        public void announce(LifecycleEntry entry) {
          entries.add(entry);
        }

        @Override
        public void close() {}
      };
    }
  }

  /** A log that is as it is. */
  private static final class FixedLog implements DeploymentLog {
    private static final long serialVersionUID = 1L;
    private final transient List<DeploymentRecord> entries;

    FixedLog(DeploymentRecord... entries) {
      this.entries = List.of(entries);
    }

    @Override
    public List<DeploymentRecord> read(String model) {
      return entries;
    }
  }

  void event(Inbound inbound) throws Exception {
    harness.processElement1(
        Joined.unread(inbound), inbound.event() == null ? 0 : inbound.event().eventTimeMillis());
  }

  void deploy(DeploymentRecord record) throws Exception {
    harness.processElement2(new StreamRecord<>(record));
  }

  /** The same, and the loader's thread runs at once. */
  void deployNow(DeploymentRecord record) throws Exception {
    deploy(record);
    time.runLoader();
  }

  void barrier(long checkpoint) throws Exception {
    harness.prepareSnapshotPreBarrier(checkpoint);
  }

  /** The input has nothing to give: the task runs its mails, and those that they post. */
  void idle() throws Exception {
    TaskMailbox mailbox = harness.getTaskMailbox();
    for (var mail = mailbox.tryTake(0); mail.isPresent(); mail = mailbox.tryTake(0)) {
      mail.get().run();
    }
  }

  /** Time passes, each millisecond for itself. */
  void pass(int millis) throws Exception {
    for (int i = 0; i < millis; i++) {
      time.nanos += 1_000_000;
      harness.setProcessingTime(harness.getProcessingTimeService().getCurrentProcessingTime() + 1);
    }
  }

  List<Prediction> predictions() {
    return harness.extractOutputValues();
  }

  Prediction last() {
    List<Prediction> predictions = predictions();
    return predictions.get(predictions.size() - 1);
  }

  List<Prediction> shadows() {
    List<Prediction> shadows = new ArrayList<>();
    var side = harness.getSideOutput(ScoringOperator.SHADOWS);
    if (side != null) {
      side.forEach(r -> shadows.add(r.getValue()));
    }
    return shadows;
  }

  List<DeadLetter> letters() {
    List<DeadLetter> letters = new ArrayList<>();
    var side = harness.getSideOutput(ScoringOperator.LETTERS);
    if (side != null) {
      side.forEach(r -> letters.add(r.getValue()));
    }
    return letters;
  }

  @Override
  public void close() throws Exception {
    harness.close();
  }
}
