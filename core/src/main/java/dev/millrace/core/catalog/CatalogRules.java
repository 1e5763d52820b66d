package dev.millrace.core.catalog;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.catalog.Refusal.Code;
import dev.millrace.core.lifecycle.DecidedDeployment;
import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.core.model.LifecycleEntry.Kind;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of a command to the catalogue: a pure function of what is known of the model, the
 * command and the time. Each becomes one event; what is not allowed a refusal with its code.
 */
public final class CatalogRules {

  private static final Set<Command> TAKEN =
      Set.of(
          Command.CREATE_MODEL,
          Command.UPDATE_MODEL,
          Command.DELETE_MODEL,
          Command.SET_TAG,
          Command.DELETE_TAG,
          Command.SET_ALIAS,
          Command.DELETE_ALIAS,
          Command.UPDATE_VERSION,
          Command.TRANSITION_VERSION,
          Command.DELETE_VERSION);

  /** The code of a registration that was made a moment ago. */
  public static final String REPEATED = "REPEATED";

  /**
   * Clients that get no answer send a request three times, and cannot say that it is the same: for
   * as long it is taken for the same.
   */
  public static final long REPEAT_MILLIS = 60_000;

  /** Whether a command is one to the catalogue. */
  public static boolean takes(String type) {
    return TAKEN.stream().anyMatch(c -> c.name().equals(type));
  }

  /**
   * Decides about a command.
   *
   * @return the event; empty where the command was answered before
   */
  public static Optional<LifecycleEntry> decide(
      CatalogState catalog, ModelState state, LifecycleEntry command, long nowMillis) {
    if (command.kind() != Kind.COMMAND || state.answered(command.idempotencyKey())) {
      return Optional.empty();
    }
    Turn turn = new Turn(catalog, state, command, nowMillis);
    try {
      CatalogLimits.command(command);
      return Optional.of(turn.take(LifecycleJson.details(command.details())));
    } catch (Refusal e) {
      return Optional.of(turn.refused(e.code(), e.reason()));
    } catch (IllegalArgumentException e) {
      return Optional.of(
          turn.refused(Code.INVALID_PARAMETER_VALUE, String.valueOf(e.getMessage())));
    }
  }

  /**
   * Decides about a registration that may be a repeat: whoever registers without a key of its own
   * says what was asked for, and the same asked again in a moment is the version that there is.
   *
   * @return the refusal, which names that version; empty where it is none
   */
  public static Optional<LifecycleEntry> repeated(
      CatalogState catalog, ModelState state, LifecycleEntry command, long nowMillis) {
    if (!command.is(Command.REGISTER) || state.answered(command.idempotencyKey())) {
      return Optional.empty();
    }
    String content;
    try {
      content = LifecycleJson.details(command.details()).path("content").textValue();
    } catch (IllegalArgumentException e) {
      // Refused for that by who registers.
      return Optional.empty();
    }
    return catalog.standing().stream()
        .filter(v -> v.content() != null && v.content().equals(content))
        .filter(v -> v.createdAtMillis() >= nowMillis - REPEAT_MILLIS)
        .findFirst()
        .map(v -> new Turn(catalog, state, command, nowMillis).repeat(v.version()));
  }

  /** How a model that is not there is told. */
  public static String noModel(String model) {
    return "Registered Model with name=" + model + " not found";
  }

  /** How a version that is not there is told. */
  public static String noVersion(String model, int version) {
    return "Model Version (name=" + model + ", version=" + version + ") not found";
  }

  /** One command on its way. */
  private record Turn(
      CatalogState catalog, ModelState state, LifecycleEntry command, long nowMillis) {

    LifecycleEntry take(ObjectNode details) {
      return switch (Command.valueOf(command.type())) {
        case CREATE_MODEL -> create(details);
        case UPDATE_MODEL -> {
          refuseWithoutModel();
          yield event(Event.MODEL_UPDATED, described(details));
        }
        case DELETE_MODEL -> deleteModel();
        case SET_TAG -> setTag(details);
        case DELETE_TAG -> deleteTag(details);
        case SET_ALIAS -> setAlias(details);
        case DELETE_ALIAS -> deleteAlias(details);
        case UPDATE_VERSION -> {
          VersionCard unusedThere = version();
          yield event(Event.VERSION_UPDATED, described(details));
        }
        case TRANSITION_VERSION -> transition(details);
        case DELETE_VERSION -> deleteVersion();
        case REGISTER,
            VALIDATE,
            PROMOTE,
            STAGE,
            ROLLBACK,
            ARCHIVE,
            PAUSE,
            RESUME,
            READY,
            UNLOADABLE,
            IMPORT ->
            throw new IllegalArgumentException(command.type() + " is no command to the catalogue");
      };
    }

    private LifecycleEntry create(ObjectNode details) {
      if (catalog.card() != null) {
        throw new Refusal(
            Code.RESOURCE_ALREADY_EXISTS,
            "Registered Model (name=" + command.model() + ") already exists.");
      }
      ObjectNode told = described(details);
      Map<String, String> tags = CatalogState.tags(details);
      CatalogLimits.tags(tags);
      ObjectNode written = told.putObject("tags");
      tags.forEach(written::put);
      return event(Event.MODEL_CREATED, told);
    }

    private LifecycleEntry deleteModel() {
      refuseWithoutModel();
      if (state.current().isPresent() || state.preparing().isPresent()) {
        throw new Refusal(
            Code.INVALID_STATE,
            "Registered Model (name="
                + command.model()
                + ") cannot be deleted: it is deployed. Roll its deployments back first");
      }
      return event(Event.MODEL_DELETED, object());
    }

    private LifecycleEntry setTag(ObjectNode details) {
      Map<String, String> before = tagsOfWhatIsNamed();
      String key = CatalogLimits.key(CatalogState.text(details, "key"));
      String value = CatalogLimits.tagValue(key, CatalogState.text(details, "value"));
      CatalogLimits.tags(Sorted.with(before, key, value));
      return event(Event.TAG_SET, object().put("key", key).put("value", value));
    }

    private LifecycleEntry deleteTag(ObjectNode details) {
      Map<String, String> unusedBefore = tagsOfWhatIsNamed();
      String key = CatalogLimits.key(CatalogState.text(details, "key"));
      return event(Event.TAG_DELETED, object().put("key", key));
    }

    private Map<String, String> tagsOfWhatIsNamed() {
      refuseWithoutModel();
      return command.version() == null
          ? Optional.ofNullable(catalog.card()).map(ModelCard::tags).orElse(Map.of())
          : version().tags();
    }

    private LifecycleEntry setAlias(ObjectNode details) {
      refuseWithoutModel();
      String alias = CatalogLimits.alias(CatalogState.text(details, "alias"));
      VersionCard version = version();
      refuseOfDeployments(alias);
      ObjectNode told = object().put("alias", alias);
      Integer before = catalog.aliases().get(alias);
      if (before != null) {
        told.put("before", before);
      }
      return event(Event.ALIAS_SET, told, version.version());
    }

    private LifecycleEntry deleteAlias(ObjectNode details) {
      refuseWithoutModel();
      String alias = CatalogLimits.alias(CatalogState.text(details, "alias"));
      refuseOfDeployments(alias);
      // One that is not there is gone already, which is what was asked for.
      return event(Event.ALIAS_DELETED, object().put("alias", alias), catalog.aliases().get(alias));
    }

    private void refuseOfDeployments(String alias) {
      if (Aliases.followsDeployments(alias, state)) {
        throw new Refusal(
            Code.INVALID_STATE,
            "alias "
                + alias
                + " of model "
                + command.model()
                + " says who serves, and follows its deployments: promote a version with"
                + " ./millrace models promote, or take another alias");
      }
    }

    private LifecycleEntry transition(ObjectNode details) {
      VersionCard version = version();
      String asked = CatalogState.text(details, "stage");
      Stage stage =
          Stage.of(asked)
              .orElseThrow(
                  () ->
                      new Refusal(
                          Code.INVALID_PARAMETER_VALUE,
                          "Invalid Model Version stage: "
                              + asked
                              + ". Value must be one of "
                              + String.join(
                                  ", ", Stream.of(Stage.values()).map(Stage::text).toList())
                              + "."));
      boolean makeRoom = details.path("archive_existing").asBoolean(false);
      if (makeRoom && !stage.makesRoom()) {
        throw new Refusal(
            Code.INVALID_PARAMETER_VALUE,
            "Model version transition cannot archive existing model versions because '"
                + stage.text()
                + "' is not an Active stage. Valid stages are Staging, Production");
      }
      ObjectNode told = object().put("stage", stage.text()).put("before", version.stage().text());
      ArrayNode archived = told.putArray("archived");
      if (makeRoom) {
        catalog.standing().stream()
            .filter(v -> v.stage() == stage && v.version() != version.version())
            .forEach(v -> archived.add(v.version()));
      }
      return event(Event.VERSION_TRANSITIONED, told);
    }

    private LifecycleEntry deleteVersion() {
      VersionCard version = version();
      for (Optional<DecidedDeployment> used : List.of(state.current(), state.preparing())) {
        if (used.isPresent() && used.get().versions().contains(version.version())) {
          throw new Refusal(
              Code.INVALID_STATE,
              "Model Version (name="
                  + command.model()
                  + ", version="
                  + version.version()
                  + ") cannot be deleted: deployment "
                  + used.get().deploymentId()
                  + " uses it ("
                  + used.get().state()
                  + "). Promote another version, or roll it back");
        }
      }
      return event(Event.VERSION_DELETED, object());
    }

    private ObjectNode described(ObjectNode details) {
      return object()
          .put("description", CatalogLimits.description(CatalogState.text(details, "description")));
    }

    private void refuseWithoutModel() {
      if (catalog.card() == null) {
        throw new Refusal(Code.RESOURCE_DOES_NOT_EXIST, noModel(command.model()));
      }
    }

    private VersionCard version() {
      refuseWithoutModel();
      Integer number = command.version();
      if (number == null) {
        throw new Refusal(Code.INVALID_PARAMETER_VALUE, command.type() + " names no version");
      }
      return catalog
          .version(number)
          .orElseThrow(
              () -> new Refusal(Code.RESOURCE_DOES_NOT_EXIST, noVersion(command.model(), number)));
    }

    LifecycleEntry repeat(int version) {
      return entry(
          Event.REFUSED,
          object().put("command", command.type()).put("code", REPEATED),
          version,
          "the same was registered a moment ago, as version " + version);
    }

    LifecycleEntry refused(Code code, String reason) {
      return entry(
          Event.REFUSED,
          object().put("command", command.type()).put("code", code.name()),
          command.version(),
          CatalogLimits.shortened(reason));
    }

    private LifecycleEntry event(Event type, ObjectNode details) {
      return event(type, details, command.version());
    }

    private LifecycleEntry event(Event type, ObjectNode details, @Nullable Integer version) {
      return entry(type, details, version, command.reason());
    }

    private LifecycleEntry entry(
        Event type, ObjectNode details, @Nullable Integer version, String reason) {
      details.put(ModelState.SEQUENCE, state.sequence() + 1);
      return new LifecycleEntry(
          command.model(),
          Kind.EVENT,
          type.name(),
          version,
          CatalogLimits.shortened(command.actor()),
          reason,
          nowMillis,
          command.idempotencyKey(),
          null,
          null,
          details.toString());
    }

    private static ObjectNode object() {
      return JsonNodeFactory.instance.objectNode();
    }
  }

  private CatalogRules() {}
}
