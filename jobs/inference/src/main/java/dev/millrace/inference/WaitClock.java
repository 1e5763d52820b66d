package dev.millrace.inference;

import java.io.Serializable;
import java.util.concurrent.locks.LockSupport;

/** Time as waiting needs it; a test brings its own. */
interface WaitClock extends Serializable {

  long nanoTime();

  /** Waits, not longer than this. */
  void pause(long nanos);

  /** The machine's clock. */
  record OfSystem() implements WaitClock {
    private static final long serialVersionUID = 1L;

    @Override
    public long nanoTime() {
      return System.nanoTime();
    }

    @Override
    public void pause(long nanos) {
      LockSupport.parkNanos(nanos);
    }
  }
}
