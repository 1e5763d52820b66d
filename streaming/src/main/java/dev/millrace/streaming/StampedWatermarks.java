package dev.millrace.streaming;

import java.io.Serializable;
import java.time.Duration;
import java.util.Arrays;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.util.clock.RelativeClock;
import org.jspecify.annotations.Nullable;

/**
 * Event time of one partition that several subtasks write: the smallest of their last {@link
 * Stamp}s. Time begins only when each of them has written to the partition.
 *
 * <p>A subtask that wrote nothing for a minute while the others did no longer holds time back, and
 * neither does a partition without records for a minute: a writer with nothing to write cannot say
 * so.
 */
public final class StampedWatermarks<T> implements WatermarkGenerator<T> {

  static final Duration IDLE_AFTER = Duration.ofSeconds(60);

  private final StampOf<T> stampOf;
  private final RelativeClock clock;
  private long[] watermarks = new long[0];
  private long[] writtenNanos = new long[0];
  private long lastNanos;

  private StampedWatermarks(StampOf<T> stampOf, RelativeClock clock) {
    this.stampOf = stampOf;
    this.clock = clock;
    this.lastNanos = clock.relativeTimeNanos();
  }

  /** The strategy for a source of stamped records. */
  public static <T> WatermarkStrategy<T> strategy(StampOf<T> stampOf, TimeOf<T> timeOf) {
    return WatermarkStrategy.<T>forGenerator(
            context -> new StampedWatermarks<>(stampOf, context.getInputActivityClock()))
        .withTimestampAssigner((element, recordTimeMillis) -> timeOf.millis(element));
  }

  /** The stamp that a record came with; null where it had none. */
  public interface StampOf<T> extends Serializable {
    @Nullable Stamp of(T element);
  }

  /** A record's event time. */
  public interface TimeOf<T> extends Serializable {
    long millis(T element);
  }

  @Override
  public void onEvent(T element, long eventTimeMillis, WatermarkOutput output) {
    lastNanos = clock.relativeTimeNanos();
    Stamp stamp = stampOf.of(element);
    if (stamp == null) {
      return;
    }
    if (stamp.parallelism() != watermarks.length) {
      watermarks = new long[stamp.parallelism()];
      Arrays.fill(watermarks, Long.MIN_VALUE);
      writtenNanos = new long[stamp.parallelism()];
      Arrays.fill(writtenNanos, lastNanos);
    }
    watermarks[stamp.subtask()] = stamp.watermarkMillis();
    writtenNanos[stamp.subtask()] = lastNanos;
  }

  @Override
  public void onPeriodicEmit(WatermarkOutput output) {
    if (clock.relativeTimeNanos() - lastNanos > IDLE_AFTER.toNanos()) {
      output.markIdle();
      return;
    }
    long smallest = Long.MAX_VALUE;
    for (int subtask = 0; subtask < watermarks.length; subtask++) {
      if (lastNanos - writtenNanos[subtask] <= IDLE_AFTER.toNanos()) {
        smallest = Math.min(smallest, watermarks[subtask]);
      }
    }
    if (smallest != Long.MAX_VALUE && smallest != Long.MIN_VALUE) {
      output.emitWatermark(new Watermark(smallest));
    }
  }
}
