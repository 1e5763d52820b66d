package dev.millrace.core.lifecycle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.core.model.LifecycleEntry.Kind;
import org.jspecify.annotations.Nullable;

/**
 * An event of {@code models.lifecycle} on its way from one registry to another: as JSON, and in the
 * command that asks for it. Its details are a text in it, so that not a character changes.
 */
public final class ImportedEvent {

  private static final int NAME_MAX = 500;

  /** The event as JSON. */
  public static ObjectNode json(LifecycleEntry event) {
    return LifecycleJson.object()
        .put("model", event.model())
        .put("type", event.type())
        .put("version", event.version())
        .put("actor", event.actor())
        .put("reason", event.reason())
        .put("at", event.atMillis())
        .put("idempotency_key", event.idempotencyKey())
        .put("uri", event.uri())
        .put("sha256", event.sha256())
        .put("details", event.details());
  }

  /**
   * What {@link #json} made.
   *
   * @throws IllegalArgumentException where it is no event that a registry may have written
   */
  public static LifecycleEntry event(JsonNode json) {
    String type = LifecycleJson.required(json, "type");
    Event unusedKnown = Event.valueOf(type);
    LifecycleEntry event =
        new LifecycleEntry(
            name(json, "model"),
            Kind.EVENT,
            type,
            version(json.path("version")),
            LifecycleJson.required(json, "actor"),
            LifecycleJson.required(json, "reason"),
            LifecycleJson.moment(json, "at"),
            name(json, "idempotency_key"),
            LifecycleJson.optional(json, "uri"),
            LifecycleJson.optional(json, "sha256"),
            LifecycleJson.required(json, "details"));
    long unusedSequence = LifecycleJson.sequence(event.details());
    return event;
  }

  private static String name(JsonNode json, String key) {
    String name = LifecycleJson.required(json, key);
    if (name.length() > NAME_MAX) {
      throw new IllegalArgumentException(key + " has more than " + NAME_MAX + " characters");
    }
    return name;
  }

  private static @Nullable Integer version(JsonNode json) {
    if (json.isMissingNode() || json.isNull()) {
      return null;
    }
    if (!json.isIntegralNumber() || !json.canConvertToInt()) {
      throw new IllegalArgumentException("version is no number");
    }
    return json.intValue();
  }

  /** The command that asks for the event. */
  public static LifecycleEntry command(LifecycleEntry event, String actor, long nowMillis) {
    return LifecycleEntry.command(
        event.model(),
        Command.IMPORT,
        null,
        actor,
        "",
        nowMillis,
        "import/" + LifecycleJson.sequence(event.details()),
        LifecycleJson.object().set("event", json(event)).toString());
  }

  /**
   * The event that a command asks for.
   *
   * @throws IllegalArgumentException where it holds none of its model
   */
  public static LifecycleEntry of(LifecycleEntry command) {
    LifecycleEntry event = event(LifecycleJson.details(command.details()).path("event"));
    if (!event.model().equals(command.model())) {
      throw new IllegalArgumentException("its event is of model " + event.model());
    }
    return event;
  }

  private ImportedEvent() {}
}
