package dev.millrace.inference;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** One daemon thread a task, which lives as long as the task. */
final class LoaderThread implements ScoringEnds.LoaderThreads {

  private static final long serialVersionUID = 1L;

  @Override
  public ExecutorService start(String name, ClassLoader classLoader) {
    return Executors.newSingleThreadExecutor(
        runnable -> {
          Thread thread = new Thread(runnable, name);
          thread.setDaemon(true);
          thread.setContextClassLoader(classLoader);
          return thread;
        });
  }
}
