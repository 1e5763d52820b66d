package dev.millrace.cli.local;

import dev.millrace.cli.local.StackState.Phase;
import dev.millrace.cli.local.StackState.ServiceState;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps one process alive: starts it, waits until it works, and starts it again when it dies. */
final class SupervisedService implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(SupervisedService.class);
  private static final long PROBE_MILLIS = 250;
  private static final Duration PATIENCE_TO_READY = Duration.ofMinutes(2);

  /** Is told of what happens to a service. */
  interface Listener {
    /** Its state has changed. */
    void changed();

    /** It answers. */
    void ready(SupervisedService service);

    /** Its process is gone, and not because it was asked to stop. */
    void died(SupervisedService service);
  }

  private final ServiceSpec spec;
  private final Listener listener;
  private final BackOff backOff = new BackOff();
  private final CountDownLatch stopping = new CountDownLatch(1);
  private final Object processLock = new Object();
  private @Nullable Process process;
  private volatile ServiceState state;

  SupervisedService(ServiceSpec spec, Listener listener) {
    this.spec = spec;
    this.listener = listener;
    this.state =
        new ServiceState(
            spec.name(), Phase.STARTING, null, 0, spec.address(), spec.log().toString(), null);
  }

  ServiceState state() {
    return state;
  }

  String name() {
    return spec.name();
  }

  @Override
  public void run() {
    try {
      for (int restarts = 0; !isStopping(); restarts++) {
        long livedMillis = liveOnce(restarts);
        if (isStopping()) {
          break;
        }
        listener.died(this);
        long waitMillis = backOff.afterDeathMillis(livedMillis);
        LOG.warn("{} is dead; starting it again in {} ms", spec.name(), waitMillis);
        become(Phase.RESTARTING, null, restarts, null);
        if (stopping.await(waitMillis, TimeUnit.MILLISECONDS)) {
          break;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    become(Phase.STOPPED, null, state.restarts(), null);
  }

  /** From a start to the end of the process; gives how long it was ready. */
  private long liveOnce(int restarts) throws InterruptedException {
    long startedNanos = System.nanoTime();
    Process started;
    try {
      spec.prepare().run();
      started = start();
    } catch (IOException e) {
      LOG.error("Cannot start {}: {}", spec.name(), e.getMessage(), e);
      return 0;
    }
    if (started == null) {
      return 0;
    }
    ProcessIdentity identity = ProcessIdentity.of(started.toHandle());
    become(Phase.STARTING, identity, restarts, null);
    if (!becomesReady(started, startedNanos)) {
      if (started.isAlive() && !isStopping()) {
        LOG.error("{} does not answer after {}; ending it", spec.name(), PATIENCE_TO_READY);
        started.destroyForcibly();
      }
      started.waitFor();
      return 0;
    }
    long readyNanos = System.nanoTime();
    long readyMillis = TimeUnit.NANOSECONDS.toMillis(readyNanos - startedNanos);
    LOG.info("{} is ready after {} ms, pid {}", spec.name(), readyMillis, identity.pid());
    become(Phase.READY, identity, restarts, readyMillis);
    listener.ready(this);
    int exit = started.waitFor();
    LOG.info("{} has ended with status {}", spec.name(), exit);
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - readyNanos);
  }

  private @Nullable Process start() throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(spec.command().words())
            .redirectErrorStream(true)
            .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
            .redirectOutput(ProcessBuilder.Redirect.appendTo(spec.output().toFile()));
    builder.environment().putAll(spec.environment());
    synchronized (processLock) {
      if (isStopping()) {
        return null;
      }
      Process started = builder.start();
      process = started;
      return started;
    }
  }

  private boolean becomesReady(Process started, long startedNanos) throws InterruptedException {
    while (started.isAlive() && !isStopping()) {
      if (spec.ready().answers()) {
        return true;
      }
      if (System.nanoTime() - startedNanos > PATIENCE_TO_READY.toNanos()) {
        return false;
      }
      stopping.await(PROBE_MILLIS, TimeUnit.MILLISECONDS);
    }
    return false;
  }

  /** Ends the process for good. */
  void stop(Duration patience) throws InterruptedException {
    Process last;
    synchronized (processLock) {
      stopping.countDown();
      last = process;
    }
    if (last != null && last.isAlive()) {
      last.destroy();
      if (!last.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
        LOG.warn("{} does not end within {}; killing it", spec.name(), patience);
        last.destroyForcibly().waitFor();
      }
    }
  }

  /** Ends the process so that it is started again. */
  void restart() {
    synchronized (processLock) {
      if (process != null) {
        process.destroyForcibly();
      }
    }
  }

  private boolean isStopping() {
    return stopping.getCount() == 0;
  }

  private void become(
      Phase phase, @Nullable ProcessIdentity identity, int restarts, @Nullable Long readyMillis) {
    state =
        new ServiceState(
            spec.name(),
            phase,
            identity,
            restarts,
            spec.address(),
            spec.log().toString(),
            readyMillis);
    listener.changed();
  }
}
