package dev.millrace.cli.events;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a replay did.
 *
 * @param firstTimeMillis the least event time sent; null where nothing was
 * @param behindMaxMillis the most that an event was sent after it was due
 */
public record ReplaySummary(
    long events,
    Map<String, Long> bySource,
    long badRows,
    @Nullable Long firstTimeMillis,
    @Nullable Long lastTimeMillis,
    double seconds,
    long behindMaxMillis) {

  public double eventsPerSecond() {
    return seconds > 0 ? events / seconds : 0;
  }
}
