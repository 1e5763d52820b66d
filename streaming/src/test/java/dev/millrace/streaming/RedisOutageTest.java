package dev.millrace.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.FeatureView.RedisOptions.Unavailable;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.junit.jupiter.api.Test;

/** How long Redis is left alone, and when rows are let go. */
class RedisOutageTest {

  private final AtomicLong clock = new AtomicLong(100_000);

  @Test
  void pausesGrowUntilRedisTakesRowsAgain() {
    RedisOutage outage = outage(Unavailable.WAIT);
    long[] pauses = new long[7];
    for (int i = 0; i < pauses.length; i++) {
      pauses[i] = outage.failed("OOM", clock.get(), false);
    }
    assertThat(pauses).containsExactly(50, 100, 200, 400, 800, 1_000, 1_000);
    // Of a cluster that takes a part of the rows the others must not wait for long.
    assertThat(outage.failed("CLUSTERDOWN", clock.get(), true)).isEqualTo(50);
    outage.answered();
    assertThat(outage.failed("OOM", clock.get(), false)).isEqualTo(50);
  }

  @Test
  void rowsAreLetGoFiveSecondsAfterTheTryThatFailedFirstBegan() {
    RedisOutage outage = outage(Unavailable.SKIP);
    assertThat(outage.skips()).isFalse();
    long begun = clock.get();
    clock.addAndGet(2_000);
    long unusedPause = outage.failed("timed out", begun, false);
    clock.addAndGet(2_999);
    unusedPause = outage.failed("timed out", clock.get(), false);
    assertThat(outage.skips()).isFalse();
    clock.addAndGet(1);
    assertThat(outage.skips()).isTrue();
    outage.answered();
    assertThat(outage.skips()).isFalse();
  }

  @Test
  void whoWaitsLetsNothingGo() {
    RedisOutage outage = outage(Unavailable.WAIT);
    long unusedPause = outage.failed("away", clock.get(), false);
    clock.addAndGet(3_600_000);
    assertThat(outage.skips()).isFalse();
  }

  private RedisOutage outage(Unavailable unavailable) {
    return new RedisOutage("nowhere", unavailable, clock::get, new UnregisteredMetricsGroup());
  }
}
