package dev.millrace.inference;

import java.util.concurrent.ScheduledFuture;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.jspecify.annotations.Nullable;

/** One timer that can be set earlier. It may go off before it has to: who is called looks. */
final class Alarm {

  private final ProcessingTimeService time;
  private final Runnable action;
  private @Nullable ScheduledFuture<?> timer;
  private long atMillis;

  Alarm(ProcessingTimeService time, Runnable action) {
    this.time = time;
    this.action = action;
  }

  /** Goes off then, or before. */
  void by(long millis) {
    ScheduledFuture<?> set = timer;
    if (set != null) {
      if (atMillis <= millis) {
        return;
      }
      set.cancel(false);
    }
    atMillis = millis;
    timer = time.registerTimer(millis, this::goOff);
  }

  private void goOff(long unusedMillis) {
    timer = null;
    action.run();
  }
}
