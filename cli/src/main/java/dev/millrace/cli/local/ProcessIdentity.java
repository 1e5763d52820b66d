package dev.millrace.cli.local;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * One process and no other: a pid is used again after its process is gone, a pid with its start
 * time is not.
 *
 * @param pid the process id
 * @param startMillis when it started, epoch ms
 */
public record ProcessIdentity(long pid, long startMillis) {
  /** The start time is derived from the boot time, which moves a little when the clock is set. */
  private static final long TOLERANCE_MILLIS = 2_000;

  static ProcessIdentity of(ProcessHandle process) {
    return new ProcessIdentity(
        process.pid(),
        process.info().startInstant().map(java.time.Instant::toEpochMilli).orElse(0L));
  }

  /** The live process, if it still is this one. */
  Optional<ProcessHandle> find() {
    return ProcessHandle.of(pid)
        .filter(ProcessHandle::isAlive)
        .filter(p -> Math.abs(of(p).startMillis - startMillis) <= TOLERANCE_MILLIS);
  }

  public boolean isAlive() {
    return find().isPresent();
  }

  /** Asks the process to end and, if it has not after {@code patience}, ends it. */
  void stop(Duration patience) throws InterruptedException {
    Optional<ProcessHandle> found = find();
    if (found.isPresent()) {
      ProcessHandle process = found.get();
      process.destroy();
      if (!isGoneWithin(process, patience)) {
        process.destroyForcibly();
        isGoneWithin(process, Duration.ofSeconds(10));
      }
    }
  }

  private static boolean isGoneWithin(ProcessHandle process, Duration patience)
      throws InterruptedException {
    CompletableFuture<ProcessHandle> exit = process.onExit();
    try {
      exit.get(patience.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      throw new IllegalStateException("Cannot wait for process " + process.pid(), e);
    }
  }
}
