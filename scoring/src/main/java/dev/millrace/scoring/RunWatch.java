package dev.millrace.scoring;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Ends the runs of one thread that take too long. ONNX Runtime looks whether a run is to end
 * between two nodes of the graph, so a single operator that never comes back is not ended.
 *
 * <p>One thread a process looks after all of them, while there are any. A run costs two exchanges
 * of a number, and nobody is woken for it.
 */
final class RunWatch implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(RunWatch.class.getName());

  private static final long LOOK_NANOS = 10_000_000;
  private static final long IDLE = 0;
  private static final long ENDED = 1;

  private static final Set<RunWatch> OPEN = ConcurrentHashMap.newKeySet();

  /** Guarded by {@link #OPEN}. */
  private static @Nullable Thread looking;

  private final OrtSession.RunOptions options;

  /** When the run that goes on is over; {@link #IDLE} where none does. */
  private final AtomicLong overAtNanos = new AtomicLong(IDLE);

  private boolean ended;
  private long limitNanos;

  private RunWatch(OrtSession.RunOptions options) {
    this.options = options;
  }

  static RunWatch open() throws OrtException {
    RunWatch watch = new RunWatch(new OrtSession.RunOptions());
    synchronized (OPEN) {
      OPEN.add(watch);
      if (looking == null) {
        Thread thread = new Thread(RunWatch::lookUntilNoneIsOpen, "millrace-run-watch");
        thread.setDaemon(true);
        thread.start();
        looking = thread;
      }
    }
    return watch;
  }

  OrtSession.RunOptions options() {
    return options;
  }

  void begin(long newLimitNanos) {
    limitNanos = newLimitNanos;
    ended = false;
    // The two lowest values say something else.
    overAtNanos.set((System.nanoTime() + newLimitNanos) | 2);
  }

  /** The run is over, whether it was ended or came back. */
  void end() throws OrtException {
    long overAt = overAtNanos.get();
    if (overAt == ENDED || !overAtNanos.compareAndSet(overAt, IDLE)) {
      // Whoever ended it may not have told ONNX Runtime yet; the next run must not be hit.
      synchronized (this) {
        options.setTerminate(false);
        overAtNanos.set(IDLE);
      }
      ended = true;
    }
  }

  /** Whether the last run took too long. */
  boolean ended() {
    return ended;
  }

  /** What the last run was allowed. */
  long limitMillis() {
    return TimeUnit.NANOSECONDS.toMillis(limitNanos);
  }

  @Override
  public void close() {
    synchronized (OPEN) {
      OPEN.remove(this);
    }
    // Who looks may just be at this one.
    synchronized (this) {
      options.close();
    }
  }

  private void look(long nowNanos) {
    long overAt = overAtNanos.get();
    if (overAt == IDLE || overAt == ENDED || nowNanos - overAt < 0) {
      return;
    }
    synchronized (this) {
      if (overAtNanos.compareAndSet(overAt, ENDED)) {
        try {
          options.setTerminate(true);
        } catch (OrtException e) {
          // The others are watched all the same.
          LOG.log(System.Logger.Level.ERROR, "Cannot end a run of ONNX Runtime", e);
        }
      }
    }
  }

  private static void lookUntilNoneIsOpen() {
    while (true) {
      long now = System.nanoTime();
      OPEN.forEach(watch -> watch.look(now));
      synchronized (OPEN) {
        if (OPEN.isEmpty()) {
          looking = null;
          return;
        }
      }
      LockSupport.parkNanos(LOOK_NANOS);
    }
  }
}
