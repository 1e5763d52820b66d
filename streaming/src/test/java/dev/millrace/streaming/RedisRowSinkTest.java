package dev.millrace.streaming;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.FeatureView.RedisOptions.Unavailable;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.RedisRowSink.Refreshes;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.jobgraph.OperatorID;
import org.apache.flink.runtime.metrics.groups.InternalOperatorMetricGroup;
import org.apache.flink.runtime.metrics.util.InterceptingOperatorMetricGroup;
import org.apache.flink.runtime.metrics.util.InterceptingTaskMetricGroup;
import org.apache.flink.runtime.operators.testutils.MockEnvironment;
import org.apache.flink.runtime.operators.testutils.MockEnvironmentBuilder;
import org.apache.flink.streaming.api.connector.sink2.CommittableMessage;
import org.apache.flink.streaming.api.connector.sink2.CommittableWithLineage;
import org.apache.flink.streaming.runtime.operators.sink.SinkWriterOperatorFactory;
import org.apache.flink.streaming.runtime.tasks.mailbox.Mail;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The writer as Flink runs it, over a store whose answers the test gives. */
class RedisRowSinkTest {

  private HandFedStore store;
  private InterceptingOperatorMetricGroup metrics = new InterceptingOperatorMetricGroup();
  private OneInputStreamOperatorTestHarness<FeatureRow, CommittableMessage<Refreshes>> harness;

  @BeforeEach
  void begin() throws Exception {
    store = new HandFedStore();
    harness = harness(store, Unavailable.WAIT);
    harness.open();
  }

  @AfterEach
  void end() throws Exception {
    harness.close();
  }

  @Test
  void sendsAtOnceWhileIdleAndInBatchesWhileBusy() throws Exception {
    write("a", 1);
    assertThat(texts(store.nextTry())).containsExactly("a@1");
    write("b", 1);
    write("c", 1);
    write("d", 1);
    store.takeAll();
    runMail();
    // The second request was on its way with b alone; c and d made a batch behind it.
    assertThat(texts(store.nextTry())).containsExactly("b@1");
    store.takeAll();
    runMail();
    assertThat(texts(store.nextTry())).containsExactly("c@1", "d@1");
    store.takeAll();
    runMail();
    assertThat(store.isIdle()).isTrue();
  }

  @Test
  void sendsOnlyTheNewestOfTheRowsOfAKeyThatWait() throws Exception {
    write("a", 1);
    write("b", 1);
    for (int offset = 2; offset <= 50; offset++) {
      write("a", offset);
      write("c", offset);
    }
    answerAll(2);
    assertThat(texts(store.nextTry())).containsExactly("a@50", "c@50");
    store.takeAll();
    runMail();
    assertThat(counter("redisRowsCoalesced")).isEqualTo(2 * 48);
  }

  @Test
  void holdsTheJobBackWhenTooManyRowsWait() throws Exception {
    for (int i = 0; i < RedisRowWriter.WAITING_ROWS + 2; i++) {
      write("k" + i, 1);
    }
    Thread task = Thread.currentThread();
    AtomicBoolean blocked = new AtomicBoolean();
    Thread answers =
        new Thread(
            () -> {
              while (task.getState() != Thread.State.TIMED_WAITING) {
                LockSupport.parkNanos(1_000_000);
              }
              blocked.set(true);
              store.takeAll();
            });
    answers.start();
    write("one-more", 1);
    answers.join();
    assertThat(blocked).isTrue();
    // A row whose key waits needs no room.
    write("one-more", 2);
  }

  @Test
  void rowsThatWereNotTakenGoAgainAfterAPauseUnlessOvertaken() throws Exception {
    write("a", 1);
    write("b", 1);
    write("c", 1);
    assertThat(texts(store.nextTry())).containsExactly("a@1");
    store.takeNone("OOM");
    runMail();
    assertThat(texts(store.nextTry())).containsExactly("b@1");
    store.takeNone("OOM");
    write("a", 2);
    runMail();
    assertThat(store.isIdle()).isTrue();
    harness.setProcessingTime(harness.getProcessingTime() + 49);
    assertThat(store.isIdle()).isTrue();
    harness.setProcessingTime(harness.getProcessingTime() + 1);
    List<String> again = new ArrayList<>(texts(store.nextTry()));
    assertThat(again).containsExactlyInAnyOrder("c@1", "a@2", "b@1");
    store.takeFirst(2, "OOM");
    runMail();
    harness.setProcessingTime(harness.getProcessingTime() + 100);
    assertThat(texts(store.nextTry())).containsExactly(again.get(2));
    store.takeAll();
    runMail();
    assertThat(counter("redisRetries")).isEqualTo(3);
    assertThat(counter("redisRowsSkipped")).isZero();
  }

  @Test
  void aCheckpointTakesWhatWaitsWhileRedisIsAwayAndTheNextAttemptSendsIt() throws Exception {
    write("a", 1);
    write("b", 1);
    write("c", 1);
    write("c", 2);
    store.takeNone("away");
    store.takeNone("away");
    OperatorSubtaskState state = checkpoint(1);
    harness.close();

    store = new HandFedStore();
    harness = harness(store, Unavailable.WAIT);
    harness.initializeState(state);
    harness.open();
    harness.setProcessingTime(harness.getProcessingTime() + 1);
    assertThat(texts(store.nextTry())).containsExactlyInAnyOrder("a@1", "b@1", "c@2");
    store.takeAll();
    runMail();
  }

  @Test
  void aCheckpointOfAHealthySinkWaitsForWhatIsUnderWayAndGoesOn() throws Exception {
    for (int i = 0; i < 1_000; i++) {
      write("k" + i, 1);
    }
    store.takeAll();
    store.takeAll();
    OperatorSubtaskState state = checkpoint(1);
    assertThat(store.nextTry()).hasSize(1);
    assertThat(store.nextTry()).hasSize(1);
    harness.setProcessingTime(harness.getProcessingTime() + 1);
    assertThat(store.nextTry()).hasSize(RedisRowWriter.BATCH_ROWS);
    harness.close();

    HandFedStore restored = new HandFedStore();
    try (OneInputStreamOperatorTestHarness<FeatureRow, CommittableMessage<Refreshes>> second =
        harness(restored, Unavailable.WAIT)) {
      second.initializeState(state);
      second.open();
      second.setProcessingTime(second.getProcessingTime() + 1);
      List<String> rows = new ArrayList<>();
      while (rows.size() < 998) {
        rows.addAll(texts(restored.nextTry()));
        restored.takeAll();
        runMail(second);
      }
      assertThat(rows).doesNotHaveDuplicates().hasSize(998);
    }
  }

  @Test
  void refreshedRowsWaitForTheCheckpointAndOnlyTheNewestOfAKeyGoes() throws Exception {
    harness.processElement(RedisRows.refresh("a", 1), 0);
    harness.processElement(RedisRows.refresh("a", 2), 0);
    harness.processElement(RedisRows.refresh("b", 1), 0);
    assertThat(store.isIdle()).isTrue();
    OperatorSubtaskState unusedState = checkpoint(1);
    List<Refreshes> committables = committables();
    assertThat(committables).hasSize(1);
    assertThat(texts(committables.get(0).rows())).containsExactlyInAnyOrder("a@2", "b@1");
    unusedState = checkpoint(2);
    assertThat(committables()).hasSize(1);
    byte[] bytes = new RedisRowSink.RefreshesSerializer().serialize(committables.get(0));
    assertThat(
            texts(
                new RedisRowSink.RefreshesSerializer()
                    .deserialize(new RedisRowSink.RefreshesSerializer().getVersion(), bytes)
                    .rows()))
        .containsExactlyInAnyOrder("a@2", "b@1");
  }

  @Test
  void whereTheViewSaysSoRowsAreLetGoAfterFiveSecondsAndTheNewestStay() throws Exception {
    harness.close();
    harness = harness(store, Unavailable.SKIP);
    harness.open();
    int keys = RedisRowWriter.KEPT_ROWS + 1_000;
    int waiting = RedisRowWriter.WAITING_ROWS;
    for (int i = 0; i < waiting; i++) {
      write("k" + i, 1);
    }
    failFor(5_100);
    for (int i = waiting; i < keys; i++) {
      write("k" + i, 1);
    }
    // Two requests were under way when the others found no room.
    assertThat(counter("redisRowsSkipped"))
        .isBetween(1_000L - 2 * RedisRowWriter.BATCH_ROWS, 1_000L);
    long left = keys - counter("redisRowsSkipped");
    store.takeNone("away");
    store.takeNone("away");
    OperatorSubtaskState unusedState = checkpoint(1);
    while (!store.isIdle()) {
      List<FeatureRow> unusedRows = store.nextTry();
    }
    // A try that was not over when the checkpoint came may fail after it, and its rows go again.
    Set<String> sent = new HashSet<>();
    while (sent.size() < left) {
      harness.setProcessingTime(harness.getProcessingTime() + 1_000);
      sent.addAll(texts(store.nextTry()));
      store.takeAll();
      runMail();
    }
    // What was under way then came back, whichever rows it was; of the others the newest stayed.
    int oldestSurelyKept = keys - RedisRowWriter.KEPT_ROWS + 2 * RedisRowWriter.BATCH_ROWS;
    List<String> lost =
        IntStream.range(oldestSurelyKept, keys)
            .mapToObj(i -> "k" + i + "@1")
            .filter(row -> !sent.contains(row))
            .toList();
    assertThat(lost).isEmpty();
  }

  @Test
  void atTheEndOfTheInputAllRowsAreSent() throws Exception {
    for (int i = 0; i < 600; i++) {
      write("k" + i, 1);
    }
    for (int i = 0; i < 5; i++) {
      store.takeAll();
    }
    harness.endInput();
    List<String> sent = new ArrayList<>();
    while (!store.isIdle()) {
      sent.addAll(texts(store.nextTry()));
    }
    assertThat(sent).doesNotHaveDuplicates().hasSize(600);
  }

  @Test
  void whatNeverPassesFailsTheTask() throws Exception {
    write("a", 1);
    store.refuseForGood("Cannot write a row: WRONGTYPE");
    assertThatThrownBy(
            () -> {
              runMail();
              runMail();
            })
        .hasStackTraceContaining("WRONGTYPE");
  }

  /** Lets a try fail, and time pass without another answer. */
  private void failFor(long millis) throws Exception {
    // The sender has a thread of its own, which time in a test does not wait for.
    List<FeatureRow> unusedRows = store.nextTry();
    store.takeNone("away");
    runMail();
    harness.setProcessingTime(harness.getProcessingTime() + millis);
  }

  private OperatorSubtaskState checkpoint(long id) throws Exception {
    harness.prepareSnapshotPreBarrier(id);
    return harness.snapshot(id, id);
  }

  private List<Refreshes> committables() {
    List<Refreshes> committables = new ArrayList<>();
    harness
        .extractOutputValues()
        .forEach(
            message -> {
              if (message instanceof CommittableWithLineage<Refreshes> committable) {
                committables.add(committable.getCommittable());
              }
            });
    return committables;
  }

  private void answerAll(int tries) throws Exception {
    for (int i = 0; i < tries; i++) {
      List<FeatureRow> unusedRows = store.nextTry();
      store.takeAll();
      runMail();
    }
  }

  private void write(String entity, long offset) throws Exception {
    harness.processElement(RedisRows.row(entity, offset), 0);
  }

  /** What the sender has sent to the task; waits for it. */
  private void runMail() throws Exception {
    runMail(harness);
  }

  private static void runMail(OneInputStreamOperatorTestHarness<?, ?> harness) throws Exception {
    Mail mail = harness.getTaskMailbox().take(TaskMailbox.MIN_PRIORITY);
    mail.run();
  }

  private long counter(String name) {
    return ((Counter) metrics.get(name)).getCount();
  }

  private OneInputStreamOperatorTestHarness<FeatureRow, CommittableMessage<Refreshes>> harness(
      HandFedStore into, Unavailable unavailable) throws Exception {
    InterceptingOperatorMetricGroup kept = new InterceptingOperatorMetricGroup();
    metrics = kept;
    MockEnvironment environment =
        new MockEnvironmentBuilder()
            .setMetricGroup(
                new InterceptingTaskMetricGroup() {
                  @Override
                  public InternalOperatorMetricGroup getOrAddOperator(
                      OperatorID id, String name, Map<String, String> variables) {
                    return kept;
                  }
                })
            .build();
    RedisRowSink sink = new RedisRowSink("nowhere", unusedMetrics -> into, unavailable);
    return new OneInputStreamOperatorTestHarness<>(
        new SinkWriterOperatorFactory<>(sink),
        Serializers.FeatureRowSerializer.INSTANCE,
        environment);
  }

  private static List<String> texts(List<FeatureRow> rows) {
    return rows.stream().map(row -> row.entityKey() + "@" + row.positions().offset(0)).toList();
  }
}
