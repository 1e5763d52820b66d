package dev.millrace.registry.transfer;

import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A journal of this registry.
 *
 * @param kind what its events are
 * @param now fixes a moment: how far the journal goes
 * @param bringing takes events of another registry
 */
public record TransferredJournal<E>(
    EventKind<E> kind, Supplier<Reading<E>> now, Bringing<E> bringing) {

  /** The journal as it was at a moment. */
  @FunctionalInterface
  public interface Reading<E> {
    /** Hands over every committed entry, those of one subject in their order. */
    void read(Consumer<E> entries);
  }

  /** Asks the registry for events. */
  @FunctionalInterface
  public interface Bringing<E> {
    /**
     * Asks that an event be taken as it is. Those of one subject are decided in the order in which
     * they are asked for.
     *
     * @param actor who asks
     * @return the event that has this number here once it is committed, whichever that is; who does
     *     not wait any longer cancels it
     */
    CompletableFuture<E> bring(E event, String actor);
  }
}
