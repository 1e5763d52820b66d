package dev.millrace.cli.events;

import dev.millrace.cli.Ticker;
import java.io.PrintWriter;
import java.util.Locale;

/** Says once a second how far a replay is. */
final class ProgressLine implements AutoCloseable {

  private static final double NANOS_PER_SECOND = 1e9;

  private final ReplayProgress progress;
  private final PrintWriter err;
  private final Ticker ticker = new Ticker();
  private long lastEvents;
  private long lastNanos = System.nanoTime();

  ProgressLine(ReplayProgress progress, PrintWriter err) {
    this.progress = progress;
    this.err = err;
  }

  void start() {
    ticker.start(1, this::print);
  }

  private void print() {
    long events = progress.events();
    long nowNanos = System.nanoTime();
    double rate = (events - lastEvents) / ((nowNanos - lastNanos) / NANOS_PER_SECOND);
    lastEvents = events;
    lastNanos = nowNanos;
    err.printf(
        Locale.ROOT,
        "%,d events, event time %s, %,.0f/s, %.1f s behind the pace%n",
        events,
        ProduceCommand.time(progress.eventTimeMillis()),
        rate,
        progress.behindNanos() / NANOS_PER_SECOND);
    err.flush();
  }

  @Override
  public void close() {
    ticker.close();
  }
}
