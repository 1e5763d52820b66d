package dev.millrace.registry.journal;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/** Which event answered which command. One thread brings events, many ask. */
public final class Answers<E> {

  /** Answers that are remembered, for commands that come again. */
  private static final int ANSWERS_MAX = 20_000;

  private final Map<Asked, CompletableFuture<E>> waiting = new ConcurrentHashMap<>();
  private final Map<Asked, E> answers =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Asked, E> eldest) {
          return size() > ANSWERS_MAX;
        }
      };

  /** Which command. */
  public record Asked(String subject, String idempotencyKey) {}

  /**
   * Tells who waits; the first event of a command is its answer.
   *
   * @param mayComeAgain whether the command may be sent a second time
   */
  public void take(Asked asked, E event, boolean mayComeAgain) {
    E first = null;
    if (mayComeAgain) {
      synchronized (answers) {
        first = answers.putIfAbsent(asked, event);
      }
    }
    CompletableFuture<E> who = waiting.remove(asked);
    if (who != null) {
      var unusedWhether = who.complete(first == null ? event : first);
    }
  }

  /** What a command became, once it is known; the same for all who wait for it. */
  public CompletableFuture<E> answer(Asked asked) {
    CompletableFuture<E> future =
        waiting.computeIfAbsent(asked, unused -> new CompletableFuture<>());
    synchronized (answers) {
      E known = answers.get(asked);
      if (known != null) {
        waiting.remove(asked, future);
        var unusedWhether = future.complete(known);
      }
    }
    return future;
  }

  /** Nobody waits any longer. */
  public void forget(Asked asked) {
    waiting.remove(asked);
  }
}
