package dev.millrace.core.tracking;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.lifecycle.ImportedEvent;
import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.TrackingEntry.Command;
import dev.millrace.core.tracking.TrackingEntry.Event;
import dev.millrace.core.tracking.TrackingEntry.Kind;

/** The same of {@code models.tracking} as {@link ImportedEvent} is of the other journal. */
public final class ImportedTracking {

  private static final int KEY_MAX = 500;

  /** The event as JSON. */
  public static ObjectNode json(TrackingEntry event) {
    return Details.object()
        .put("subject", event.subject())
        .put("type", event.type())
        .put("actor", event.actor())
        .put("at", event.atMillis())
        .put("idempotency_key", event.idempotencyKey())
        .put("details", event.details());
  }

  /**
   * What {@link #json} made.
   *
   * @throws IllegalArgumentException where it is no event that a registry may have written
   */
  public static TrackingEntry event(JsonNode json) {
    String subject = LifecycleJson.required(json, "subject");
    if (Subject.of(subject).isEmpty()) {
      throw new IllegalArgumentException(
          "subject is neither %s nor the id of a run or of a logged model but %s"
              .formatted(Subject.EXPERIMENTS, TrackingLimits.shortened(subject)));
    }
    String type = LifecycleJson.required(json, "type");
    Event unusedKnown = Event.valueOf(type);
    String key = LifecycleJson.required(json, "idempotency_key");
    if (key.length() > KEY_MAX) {
      throw new IllegalArgumentException(
          "idempotency_key has more than " + KEY_MAX + " characters");
    }
    TrackingEntry event =
        new TrackingEntry(
            subject,
            Kind.EVENT,
            type,
            LifecycleJson.required(json, "actor"),
            LifecycleJson.moment(json, "at"),
            key,
            LifecycleJson.required(json, "details"));
    long unusedSequence = LifecycleJson.sequence(event.details());
    return event;
  }

  /** The command that asks for the event. */
  public static TrackingEntry command(TrackingEntry event, String actor, long nowMillis) {
    return TrackingEntry.command(
        event.subject(),
        Command.IMPORT,
        actor,
        nowMillis,
        TrackingEntry.ONCE + "import/" + LifecycleJson.sequence(event.details()),
        Details.object().set("event", json(event)).toString());
  }

  /**
   * The event that a command asks for.
   *
   * @throws IllegalArgumentException where it holds none of its subject
   */
  public static TrackingEntry of(TrackingEntry command) {
    TrackingEntry event = event(LifecycleJson.details(command.details()).path("event"));
    if (!event.subject().equals(command.subject())) {
      throw new IllegalArgumentException("its event is of " + event.subject());
    }
    return event;
  }

  private ImportedTracking() {}
}
