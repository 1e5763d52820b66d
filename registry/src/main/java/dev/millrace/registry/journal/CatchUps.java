package dev.millrace.registry.journal;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;

/**
 * Who waits until all was read that was there when it asked. One thread reads, many ask; those who
 * ask at the same time are told together.
 *
 * @param <P> a partition
 */
final class CatchUps<P> {

  private final Queue<CompletableFuture<Void>> asked = new ConcurrentLinkedQueue<>();
  private final List<Waiting<P>> waiting = new ArrayList<>();

  private record Waiting<P>(Map<P, Long> ends, List<CompletableFuture<Void>> who) {}

  /** Done once all is read that is there now. */
  CompletableFuture<Void> ask() {
    CompletableFuture<Void> future = new CompletableFuture<>();
    asked.add(future);
    return future;
  }

  /** Whether somebody has asked since the last look. */
  boolean isAsked() {
    return !asked.isEmpty();
  }

  /**
   * Goes on; for the thread that reads.
   *
   * @param ends looks how far it goes now; who has asked goes on waiting where that fails
   * @param position how far it was read
   */
  void look(Supplier<Map<P, Long>> ends, ToLongFunction<P> position) {
    if (!asked.isEmpty()) {
      // Before the look: who comes meanwhile might mean more than it sees.
      List<CompletableFuture<Void>> who = new ArrayList<>(asked);
      waiting.add(new Waiting<>(ends.get(), who));
      who.forEach(unused -> asked.remove());
    }
    waiting.removeIf(
        w -> {
          boolean read =
              w.ends.entrySet().stream()
                  .allMatch(e -> position.applyAsLong(e.getKey()) >= e.getValue());
          if (read) {
            w.who.forEach(f -> f.complete(null));
          }
          return read;
        });
  }

  /** Nothing is read any more. */
  void fail(RuntimeException why) {
    waiting.forEach(w -> w.who.forEach(f -> f.completeExceptionally(why)));
    asked.forEach(f -> f.completeExceptionally(why));
  }
}
