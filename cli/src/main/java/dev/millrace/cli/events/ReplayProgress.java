package dev.millrace.cli.events;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How far a replay is. One thread writes, any thread reads. */
public final class ReplayProgress {

  private final Map<String, Long> bySource = new LinkedHashMap<>();
  private long events;
  private long badRows;
  private @Nullable Long firstTimeMillis;
  private @Nullable Long lastTimeMillis;
  private long behindNanos;
  private long behindMaxNanos;

  synchronized void begin() {
    bySource.clear();
    events = 0;
    badRows = 0;
    firstTimeMillis = null;
    lastTimeMillis = null;
    behindNanos = 0;
    behindMaxNanos = 0;
  }

  synchronized void sent(String source, long eventTimeMillis) {
    events++;
    bySource.merge(source, 1L, Long::sum);
    if (firstTimeMillis == null || eventTimeMillis < firstTimeMillis) {
      firstTimeMillis = eventTimeMillis;
    }
    if (lastTimeMillis == null || eventTimeMillis > lastTimeMillis) {
      lastTimeMillis = eventTimeMillis;
    }
  }

  synchronized void badRow() {
    badRows++;
  }

  synchronized void behind(long nanos) {
    behindNanos = Math.max(0, nanos);
    behindMaxNanos = Math.max(behindMaxNanos, behindNanos);
  }

  public synchronized long events() {
    return events;
  }

  /** The largest event time sent, or null before the first event. */
  public synchronized @Nullable Long eventTimeMillis() {
    return lastTimeMillis;
  }

  /** How far behind its pace the last event was sent. */
  public synchronized long behindNanos() {
    return behindNanos;
  }

  synchronized ReplaySummary summary(double seconds) {
    return new ReplaySummary(
        events,
        Map.copyOf(bySource),
        badRows,
        firstTimeMillis,
        lastTimeMillis,
        seconds,
        behindMaxNanos / 1_000_000);
  }
}
