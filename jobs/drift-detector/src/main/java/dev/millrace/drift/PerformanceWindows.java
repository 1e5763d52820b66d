package dev.millrace.drift;

import dev.millrace.core.drift.DefinitionIds;
import dev.millrace.core.drift.Measure;
import dev.millrace.core.drift.PageHinkley;
import dev.millrace.core.drift.PairedSums;
import dev.millrace.core.drift.Reference;
import dev.millrace.core.drift.ScoredSums;
import dev.millrace.core.drift.Statistic;
import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.jspecify.annotations.Nullable;

/**
 * Sums up a model's mature events by window and tells, when all of a window's events are mature,
 * how good each version was. One task for a model, so that records come out in the order of their
 * windows and the Page-Hinkley test of each version sees its events in theirs.
 */
final class PerformanceWindows extends AbstractStreamOperator<Measured>
    implements OneInputStreamOperator<WindowScores, Measured> {

  private static final long serialVersionUID = 1L;
  private static final String ANY = "ANY";
  private static final ListStateDescriptor<WindowScores> OPEN =
      new ListStateDescriptor<>("open-windows", WindowScores.TYPE);
  private static final ListStateDescriptor<Tested> TESTS =
      new ListStateDescriptor<>(
          "page-hinkley", new RecordType<>(Tested.class, Tested.Serializer.INSTANCE));

  private final DriftPlan plan;
  private final References references;
  private transient References.Met met;
  private transient ListState<WindowScores> openState;
  private transient ListState<Tested> testState;
  private transient TreeMap<Long, WindowScores> open;
  private transient TreeMap<Integer, Tested> tests;
  private transient long nowMillis;
  private transient Counter late;

  @SuppressWarnings("NullAway.Init") // Flink calls initializeState before the first element.
  PerformanceWindows(DriftPlan plan, References references) {
    this.plan = plan;
    this.references = references;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    met =
        new References.Met(
            references, plan.model(), getMetricGroup().counter("unmeasuredVersions"));
    late = getMetricGroup().counter("lateEvents");
    open = new TreeMap<>();
    tests = new TreeMap<>();
    nowMillis = Long.MIN_VALUE;
    openState = context.getOperatorStateStore().getListState(OPEN);
    testState = context.getOperatorStateStore().getListState(TESTS);
    for (WindowScores scores : openState.get()) {
      open.put(scores.startMillis(), scores);
    }
    for (Tested tested : testState.get()) {
      tests.put(tested.version, tested);
    }
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    openState.update(new ArrayList<>(open.values()));
    testState.update(new ArrayList<>(tests.values()));
  }

  @Override
  public void processElement(StreamRecord<WindowScores> element) {
    WindowScores scores = element.getValue();
    if (plan.matureMillis(scores.startMillis()) <= nowMillis) {
      scores
          .groups()
          .forEach(
              (group, sums) -> {
                if (group.segment().isEmpty() && group.role() != Role.SHADOW) {
                  late.inc(sums.scored());
                }
              });
      return;
    }
    open.computeIfAbsent(scores.startMillis(), WindowScores::new).add(scores);
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    nowMillis = mark.getTimestamp();
    while (!open.isEmpty() && plan.matureMillis(open.firstKey()) <= nowMillis) {
      close(open.pollFirstEntry().getValue());
    }
    // A version that served nothing for a season starts anew if it ever comes back.
    tests
        .values()
        .removeIf(t -> plan.matureMillis(t.windowStartMillis) <= nowMillis - plan.seasonMillis());
    super.processWatermark(mark);
  }

  private void close(WindowScores scores) {
    Map<Integer, Long> served = new TreeMap<>();
    segmentsTold(scores)
        .forEach(
            (group, sums) -> {
              Reference reference = met.of(group.version());
              boolean whole = group.segment().isEmpty();
              if (whole && group.role() != Role.SHADOW && group.role() != Role.FALLBACK) {
                served.merge(group.version(), sums.scored(), Long::sum);
              }
              for (Measure measure :
                  Reference.performance(reference, scores.startMillis(), sums, whole)) {
                emit(
                    scores,
                    group.version(),
                    null,
                    group.role().name(),
                    whole ? null : group.segment(),
                    measure,
                    null,
                    null,
                    sums.scored(),
                    sums.labelled());
              }
            });
    served.forEach((version, count) -> test(scores, version, count));
    scores.pairs().forEach((pair, sums) -> compare(scores, pair, sums));
  }

  private void test(WindowScores scores, int version, long count) {
    Reference reference = met.of(version);
    if (reference == null) {
      return;
    }
    PageHinkley test = reference.pageHinkley();
    List<WindowScores.Residual> residuals =
        new ArrayList<>(scores.residuals().getOrDefault(version, List.of()));
    Double largest = null;
    Long sinceMillis = null;
    if (test != null) {
      Tested before = tests.get(version);
      test.restore(before == null ? PageHinkley.State.START : before.state);
      Collections.sort(residuals);
      for (WindowScores.Residual residual : residuals) {
        double statistic = test.add(residual.value(), residual.timeMillis());
        if (largest == null || statistic > largest) {
          largest = statistic;
          sinceMillis = statistic > 0 ? (Long) test.sinceMillis() : null;
        }
      }
      tests.put(version, new Tested(version, scores.startMillis(), test.state()));
    }
    emit(
        scores,
        version,
        null,
        ANY,
        null,
        reference.pageHinkley(scores.startMillis(), largest),
        null,
        sinceMillis,
        count,
        residuals.size());
  }

  private void compare(WindowScores scores, WindowScores.Pair pair, PairedSums sums) {
    double variance = sums.variance();
    emit(
        scores,
        pair.version(),
        pair.baseline(),
        ANY,
        null,
        new Measure(
            "",
            Statistic.LOG_LOSS_DELTA,
            DefinitionIds.ofScores(Statistic.LOG_LOSS_DELTA, null, null),
            Reference.slotName(met.of(pair.version()), scores.startMillis()),
            sums.mean(),
            null,
            Measure.Status.NO_THRESHOLD,
            0,
            Map.of(),
            List.of()),
        Double.isNaN(variance) ? null : (Double) variance,
        null,
        sums.count(),
        sums.count());
  }

  private void emit(
      WindowScores scores,
      int version,
      @Nullable Integer baseline,
      String role,
      @Nullable String segment,
      Measure measure,
      @Nullable Double variance,
      @Nullable Long sinceMillis,
      long count,
      long labelled) {
    output.collect(
        new StreamRecord<>(
            new Measured(
                plan.model(),
                version,
                baseline,
                role,
                segment,
                scores.startMillis(),
                scores.startMillis() + plan.windowMillis(),
                measure,
                variance,
                sinceMillis,
                count,
                labelled),
            plan.matureMillis(scores.startMillis())));
  }

  /** The groups with the smallest segments merged into other. */
  private static Map<WindowScores.Group, ScoredSums> segmentsTold(WindowScores scores) {
    Map<String, Long> sizes = new HashMap<>();
    scores
        .groups()
        .forEach(
            (group, sums) -> {
              if (!group.segment().isEmpty()) {
                sizes.merge(group.segment(), sums.scored(), Long::sum);
              }
            });
    Map<String, String> names = Segments.told(sizes.keySet(), s -> sizes.getOrDefault(s, 0L));
    Map<WindowScores.Group, ScoredSums> told = new TreeMap<>();
    scores
        .groups()
        .forEach(
            (group, sums) ->
                told.computeIfAbsent(
                        new WindowScores.Group(
                            group.version(),
                            group.role(),
                            names.getOrDefault(group.segment(), group.segment())),
                        g -> new ScoredSums())
                    .add(sums));
    return told;
  }

  /** Where the test of a version stands. */
  record Tested(int version, long windowStartMillis, PageHinkley.State state) {

    /** Writes them into state. */
    static final class Serializer extends RecordSerializer<Tested> {
      private static final long serialVersionUID = 1L;
      static final Serializer INSTANCE = new Serializer();

      @Override
      public Tested createInstance() {
        return new Tested(0, 0, PageHinkley.State.START);
      }

      @Override
      protected void write(Tested tested, DataOutputView out) throws IOException {
        out.writeInt(tested.version);
        out.writeLong(tested.windowStartMillis);
        out.writeLong(tested.state.count());
        out.writeDouble(tested.state.mean());
        out.writeDouble(tested.state.sum());
        out.writeLong(tested.state.sinceMillis());
      }

      @Override
      public Tested deserialize(DataInputView in) throws IOException {
        return new Tested(
            in.readInt(),
            in.readLong(),
            new PageHinkley.State(in.readLong(), in.readDouble(), in.readDouble(), in.readLong()));
      }

      @Override
      public TypeSerializerSnapshot<Tested> snapshotConfiguration() {
        return new Snapshot();
      }

      /** Restores the serializer. */
      public static final class Snapshot extends SimpleTypeSerializerSnapshot<Tested> {
        public Snapshot() {
          super(() -> INSTANCE);
        }
      }
    }
  }
}
