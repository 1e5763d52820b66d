package dev.millrace.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkGeneratorSupplier;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.util.clock.ManualClock;
import org.apache.flink.util.clock.RelativeClock;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class StampedWatermarksTest {

  private final ManualClock clock = new ManualClock();
  private final Seen seen = new Seen();
  private final WatermarkGenerator<Written> generator =
      StampedWatermarks.<Written>strategy(Written::stamp, Written::timeMillis)
          .createWatermarkGenerator(new Context(clock));

  private record Written(@Nullable Stamp stamp, long timeMillis) {}

  @Test
  void timeIsTheSmallestOfTheSubtasksLastStamps() {
    write(0, 2, 100);
    assertThat(emitted()).as("the other subtask has not written").isEmpty();
    write(1, 2, 70);
    assertThat(emitted()).containsExactly(70L);
    write(1, 2, 130);
    assertThat(emitted()).containsExactly(100L);
  }

  @Test
  void aRecordWithoutAStampSaysNothingOfTime() {
    write(0, 1, 100);
    generator.onEvent(new Written(null, 500), 500, seen);
    assertThat(emitted()).containsExactly(100L);
  }

  @Test
  void withAnotherParallelismEachSubtaskIsWaitedForAgain() {
    write(0, 1, 100);
    write(0, 3, 200);
    write(2, 3, 150);
    assertThat(emitted()).isEmpty();
    write(1, 3, 160);
    assertThat(emitted()).containsExactly(150L);
  }

  @Test
  void aSilentSubtaskAndASilentPartitionHoldTimeForAMinute() {
    write(0, 2, 100);
    clock.advanceTime(StampedWatermarks.IDLE_AFTER.plus(Duration.ofMillis(1)));
    assertThat(emitted()).isEmpty();
    assertThat(seen.idle).as("no record at all").isTrue();
    write(0, 2, 300);
    assertThat(emitted()).as("only subtask 0 writes").containsExactly(300L);
    write(1, 2, 250);
    assertThat(emitted()).containsExactly(250L);
  }

  @Test
  void aStampIsReadAsItWasWritten() {
    Stamp stamp = new Stamp(1, 4, -5);
    assertThat(new String(stamp.bytes(), StandardCharsets.US_ASCII)).isEqualTo("1/4/-5");
    assertThat(Stamp.parse(stamp.bytes())).isEqualTo(stamp);
    assertThat(Stamp.parse(null)).isNull();
    for (String wrong : List.of("", "1/4", "4/4/1", "-1/4/1", "a/b/c", "1/2/3/4")) {
      assertThat(Stamp.parse(wrong.getBytes(StandardCharsets.US_ASCII))).as(wrong).isNull();
    }
  }

  private void write(int subtask, int parallelism, long watermarkMillis) {
    generator.onEvent(
        new Written(new Stamp(subtask, parallelism, watermarkMillis), watermarkMillis + 10),
        watermarkMillis + 10,
        seen);
  }

  private List<Long> emitted() {
    seen.watermarks.clear();
    generator.onPeriodicEmit(seen);
    return seen.watermarks;
  }

  private static final class Seen implements WatermarkOutput {
    private final List<Long> watermarks = new ArrayList<>();
    private boolean idle;

    @Override
    public void emitWatermark(Watermark watermark) {
      watermarks.add(watermark.getTimestamp());
    }

    @Override
    public void markIdle() {
      idle = true;
    }

    @Override
    public void markActive() {}
  }

  private record Context(RelativeClock clock) implements WatermarkGeneratorSupplier.Context {
    @Override
    public MetricGroup getMetricGroup() {
      return new UnregisteredMetricsGroup();
    }

    @Override
    public RelativeClock getInputActivityClock() {
      return clock;
    }
  }
}
