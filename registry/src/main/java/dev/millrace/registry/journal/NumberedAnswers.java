package dev.millrace.registry.journal;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/** Which event has a number among its subject's. One thread brings events, many wait for them. */
public final class NumberedAnswers<E> {

  private final Map<Place, CompletableFuture<E>> waiting = new ConcurrentHashMap<>();

  private record Place(String subject, long sequence) {}

  /** Tells who waits for it. */
  public void take(String subject, long sequence, E event) {
    CompletableFuture<E> who = waiting.remove(new Place(subject, sequence));
    if (who != null) {
      var unusedWhether = who.complete(event);
    }
  }

  /** The event that will have the number; who does not wait any longer cancels it. */
  public CompletableFuture<E> answer(String subject, long sequence) {
    Place place = new Place(subject, sequence);
    CompletableFuture<E> future =
        waiting.computeIfAbsent(place, unused -> new CompletableFuture<>());
    var unusedEnd = future.whenComplete((event, failure) -> waiting.remove(place, future));
    return future;
  }
}
