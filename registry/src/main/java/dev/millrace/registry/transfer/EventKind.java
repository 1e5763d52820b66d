package dev.millrace.registry.transfer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;

/** What the events of one journal are, for who exports and imports them. */
public interface EventKind<E> {

  /** The journal's name. */
  String journal();

  /** What an event is about: each subject's events are counted. */
  String subject(E event);

  /**
   * The number of an event among its subject's, from 1; 0 where the registry has not written it.
   */
  long sequence(E event);

  /** Which it is, for people. */
  String told(E event);

  /** The same, of any journal, so that one who reads of two journals reads it in the same words. */
  static String told(long sequence, String subject, String type, String actor, long atMillis) {
    return "event %d of %s, %s by %s at %s"
        .formatted(sequence, subject, type, actor, Instant.ofEpochMilli(atMillis));
  }

  ObjectNode json(E event);

  /**
   * What {@link #json} made.
   *
   * @throws IllegalArgumentException where it is no event that a registry may have written
   */
  E event(JsonNode json);

  /** Begins with nothing. */
  Folding<E> folding();

  /** The state that events make, to see that they make one. */
  interface Folding<E> {
    /** Takes the next event of its subject; fails where it does not follow from those before. */
    void take(E event);

    /** About how much memory the registry takes for it, as far as that is limited. */
    long bytes();
  }
}
