package dev.millrace.cli;

import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Does something every few seconds, in a thread that keeps no process from ending. */
public final class Ticker implements AutoCloseable {

  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "progress");
            thread.setDaemon(true);
            return thread;
          });

  // What a line's failure would tell nobody waits for.
  @SuppressWarnings("FutureReturnValueIgnored")
  public void start(long everySeconds, Runnable tick) {
    clock.scheduleAtFixedRate(tick, everySeconds, everySeconds, TimeUnit.SECONDS);
  }

  @Override
  public void close() {
    clock.shutdownNow();
  }
}
