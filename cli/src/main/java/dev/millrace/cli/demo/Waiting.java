package dev.millrace.cli.demo;

import dev.millrace.cli.CommandFailed;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Waits for what other processes do: looks often, tells seldom, gives up in time. */
final class Waiting {

  private static final long TELL_NANOS = TimeUnit.SECONDS.toNanos(4);

  private final Narration narration;

  Waiting(Narration narration) {
    this.narration = narration;
  }

  /** A condition that may be asked again and again. */
  interface Condition {
    boolean holds() throws Exception;
  }

  /**
   * Returns when the condition holds.
   *
   * @param state what a person should see of it meanwhile, and in the error
   */
  void until(
      String what, Duration patience, Duration pause, Condition condition, Supplier<String> state)
      throws Exception {
    long startNanos = System.nanoTime();
    long toldNanos = startNanos;
    while (!condition.holds()) {
      long nowNanos = System.nanoTime();
      if (nowNanos - startNanos > patience.toNanos()) {
        throw new CommandFailed(
            "waited " + patience.toSeconds() + " s for " + what + ", and there is " + state.get());
      }
      if (nowNanos - toldNanos > TELL_NANOS) {
        narration.detail(state.get());
        toldNanos = nowNanos;
      }
      TimeUnit.NANOSECONDS.sleep(pause.toNanos());
    }
  }
}
