package dev.millrace.inference;

import java.util.ArrayDeque;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;

/** A clock that moves by pausing, and a loader's thread that runs when told. */
final class ManualTime implements WaitClock, ScoringEnds.LoaderThreads {

  private static final long serialVersionUID = 1L;

  private final transient ArrayDeque<Runnable> tasks = new ArrayDeque<>();
  transient long nanos;

  @Override
  public long nanoTime() {
    return nanos;
  }

  @Override
  public void pause(long pauseNanos) {
    nanos += pauseNanos;
  }

  void runLoader() {
    for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
      task.run();
    }
  }

  @Override
  public ExecutorService start(String name, ClassLoader classLoader) {
    return new AbstractExecutorService() {
      private boolean down;

      @Override
      public void execute(Runnable task) {
        tasks.add(task);
      }

      @Override
      public void shutdown() {
        down = true;
      }

      @Override
      public List<Runnable> shutdownNow() {
        down = true;
        return Collections.emptyList();
      }

      @Override
      public boolean isShutdown() {
        return down;
      }

      @Override
      public boolean isTerminated() {
        return down;
      }

      @Override
      public boolean awaitTermination(long timeout, TimeUnit unit) {
        return down;
      }
    };
  }
}
