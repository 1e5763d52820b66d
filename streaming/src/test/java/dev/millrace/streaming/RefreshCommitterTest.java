package dev.millrace.streaming;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.millrace.core.definition.FeatureView.RedisOptions.Unavailable;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.RedisRowSink.Refreshes;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.junit.jupiter.api.Test;

/** Refreshed rows after their checkpoint. */
class RefreshCommitterTest {

  private final HandFedStore store = new HandFedStore();
  private final AtomicLong clock = new AtomicLong(1_000);

  @Test
  void theNewestRowOfEachKeyIsWritten() throws Exception {
    RefreshCommitter committer = committer(Unavailable.WAIT);
    store.takeAll();
    committer.commit(
        List.of(
            new Request(RedisRows.refresh("a", 1), RedisRows.refresh("b", 1)),
            new Request(RedisRows.refresh("a", 2))));
    assertThat(store.nextTry())
        .extracting(FeatureRow::entityKey, FeatureRow::timeMillis)
        .containsExactlyInAnyOrder(tuple("a", 1_002L), tuple("b", 1_001L));
    assertThat(store.isIdle()).isTrue();
  }

  @Test
  void theTaskWaitsUntilRedisHasTakenAll() throws Exception {
    RefreshCommitter committer = committer(Unavailable.WAIT);
    store.takeNone("LOADING");
    store.takeFirst(1, "OOM");
    store.takeAll();
    committer.commit(List.of(new Request(RedisRows.refresh("a", 1), RedisRows.refresh("b", 1))));
    assertThat(store.nextTry()).hasSize(2);
    assertThat(store.nextTry()).hasSize(2);
    assertThat(store.nextTry()).hasSize(1);
    assertThat(store.isIdle()).isTrue();
  }

  @Test
  void whereTheViewSaysSoTheTaskGoesOnAndTheRowsGoWithTheNextCheckpoint() throws Exception {
    RefreshCommitter committer = committer(Unavailable.SKIP);
    store.takeNone("LOADING");
    store.takeNone("LOADING", () -> clock.addAndGet(RedisOutage.PATIENCE_MILLIS));
    committer.commit(List.of(new Request(RedisRows.refresh("a", 1), RedisRows.refresh("b", 1))));
    assertThat(store.nextTry()).hasSize(2);
    assertThat(store.nextTry()).hasSize(2);
    store.takeAll();
    committer.commit(List.of(new Request(RedisRows.refresh("b", 2), RedisRows.refresh("c", 2))));
    assertThat(store.nextTry())
        .extracting(FeatureRow::entityKey, FeatureRow::timeMillis)
        .containsExactlyInAnyOrder(tuple("a", 1_001L), tuple("b", 1_002L), tuple("c", 1_002L));
  }

  @Test
  void aTaskThatIsCancelledDoesNotWait() {
    RefreshCommitter committer = committer(Unavailable.WAIT);
    store.takeNone("LOADING");
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> committer.commit(List.of(new Request(RedisRows.refresh("a", 1)))))
        .hasMessageContaining("interrupted");
    assertThat(Thread.interrupted()).isTrue();
  }

  private RefreshCommitter committer(Unavailable unavailable) {
    return new RefreshCommitter(
        store,
        new RedisOutage("nowhere", unavailable, clock::get, new UnregisteredMetricsGroup()),
        clock::get);
  }

  /** A request of Flink's that must end by itself: nothing but its rows is asked. */
  private static final class Request implements Committer.CommitRequest<Refreshes> {
    private final Refreshes rows;

    Request(FeatureRow... rows) {
      this.rows = new Refreshes(new ArrayList<>(List.of(rows)));
    }

    @Override
    public Refreshes getCommittable() {
      return rows;
    }

    @Override
    public int getNumberOfRetries() {
      return 0;
    }

    @Override
    public void signalFailedWithKnownReason(Throwable cause) {
      throw new AssertionError(cause);
    }

    @Override
    public void signalFailedWithUnknownReason(Throwable cause) {
      throw new AssertionError(cause);
    }

    @Override
    public void retryLater() {
      throw new AssertionError("rows wait in the committer");
    }

    @Override
    public void updateAndRetryLater(Refreshes committable) {
      throw new AssertionError("rows wait in the committer");
    }

    @Override
    public void signalAlreadyCommitted() {
      throw new AssertionError("rows are not known to be there");
    }
  }
}
