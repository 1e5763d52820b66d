package dev.millrace.registry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.catalog.VersionCard;
import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.lifecycle.RegisteredVersion;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.registry.access.Role;
import io.javalin.Javalin;
import io.javalin.http.ContentType;
import io.javalin.http.Context;
import io.javalin.http.HttpStatus;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What was known of a model at a moment, and what has changed since: each answer reads the model's
 * events from the journal and folds those that were there by then.
 */
final class TimeTravel {

  private static final JsonMapper JSON = new JsonMapper();
  private static final int EVENTS_MAX = 1_000;

  private final Function<String, List<LifecycleEntry>> journal;

  /**
   * @param journal the entries of a model, in their order
   */
  TimeTravel(Function<String, List<LifecycleEntry>> journal) {
    this.journal = journal;
  }

  /** Adds its endpoints to a server that was not started yet. */
  void addTo(Javalin server) {
    String model = "/v1/models/{name}";
    server.get(model + "/aliases", context -> answer(context, this::aliases), Role.READER);
    server.get(model + "/diff", context -> answer(context, this::diff), Role.READER);
    server.get(model + "/events", context -> answer(context, this::events), Role.READER);
  }

  /** What a client has wrong. */
  private static final class MistakeException extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final HttpStatus status;

    MistakeException(HttpStatus status, String message) {
      super(message);
      this.status = status;
    }
  }

  private static void answer(Context context, Function<Context, ObjectNode> how) {
    ObjectNode body;
    HttpStatus status = HttpStatus.OK;
    try {
      body = how.apply(context);
    } catch (MistakeException e) {
      status = e.status;
      body = JSON.createObjectNode().put("error", String.valueOf(e.getMessage()));
    }
    context.status(status).contentType(ContentType.APPLICATION_JSON).result(body.toString());
  }

  private ObjectNode aliases(Context context) {
    long asOfMillis = moment(context, "as_of", Long.MAX_VALUE);
    CataloguedModel model = at(history(context), asOfMillis);
    ObjectNode body = JSON.createObjectNode();
    body.put("model", model.name());
    body.put("as_of", asOfMillis == Long.MAX_VALUE ? null : asOfMillis);
    ObjectNode aliases = body.putObject("aliases");
    model.aliases().forEach(aliases::put);
    return body;
  }

  private ObjectNode diff(Context context) {
    long fromMillis = moment(context, "from", Long.MIN_VALUE);
    long toMillis = moment(context, "to", Long.MAX_VALUE);
    if (fromMillis > toMillis) {
      throw new MistakeException(HttpStatus.BAD_REQUEST, "from lies behind to");
    }
    List<LifecycleEntry> history = history(context);
    CataloguedModel before = at(history, fromMillis);
    CataloguedModel after = at(history, toMillis);
    ObjectNode body = JSON.createObjectNode();
    body.put("model", after.name());
    body.put("from", fromMillis == Long.MIN_VALUE ? null : fromMillis);
    body.put("to", toMillis == Long.MAX_VALUE ? null : toMillis);
    changed(body, "champion", before.state().champion(), after.state().champion());
    ObjectNode aliases = body.putObject("aliases");
    SortedSet<String> names = new TreeSet<>(before.aliases().keySet());
    names.addAll(after.aliases().keySet());
    for (String name : names) {
      changed(
          aliases,
          name,
          Optional.ofNullable(before.aliases().get(name)),
          Optional.ofNullable(after.aliases().get(name)));
    }
    ObjectNode versions = body.putObject("versions");
    Map<Integer, String> saidBefore = said(before);
    Map<Integer, String> saidAfter = said(after);
    SortedSet<Integer> numbers = new TreeSet<>(saidBefore.keySet());
    numbers.addAll(saidAfter.keySet());
    for (int number : numbers) {
      changed(
          versions,
          String.valueOf(number),
          Optional.ofNullable(saidBefore.get(number)),
          Optional.ofNullable(saidAfter.get(number)));
    }
    body.put(
        "events",
        history.stream()
            .filter(e -> e.atMillis() > fromMillis && e.atMillis() <= toMillis)
            .count());
    return body;
  }

  /** {@code [before, after]}, where they differ. */
  private static <T> void changed(
      ObjectNode in, String name, Optional<T> before, Optional<T> after) {
    if (!before.equals(after)) {
      ArrayNode both = in.putArray(name);
      both.add(before.map(b -> JSON.<JsonNode>valueToTree(b)).orElse(null));
      both.add(after.map(a -> JSON.<JsonNode>valueToTree(a)).orElse(null));
    }
  }

  /** The state of each version that is there, in words. */
  private static Map<Integer, String> said(CataloguedModel model) {
    Map<Integer, String> said = new TreeMap<>();
    for (VersionCard card : model.page().standing()) {
      String status =
          model
              .state()
              .version(card.version())
              .map(RegisteredVersion::status)
              .map(Objects::toString)
              .orElse("");
      said.put(card.version(), status + ", stage " + card.stage().text());
    }
    return said;
  }

  private ObjectNode events(Context context) {
    long after = number(context, "after", 0);
    long limit = Math.min(number(context, "limit", EVENTS_MAX), EVENTS_MAX);
    ObjectNode body = JSON.createObjectNode();
    body.put("model", context.pathParam("name"));
    ArrayNode events = body.putArray("events");
    history(context).stream()
        .filter(e -> ModelState.sequence(e) > after)
        .limit(limit)
        .forEach(e -> events.add(json(e)));
    return body;
  }

  private static ObjectNode json(LifecycleEntry event) {
    ObjectNode json = JSON.createObjectNode();
    ObjectNode details = LifecycleJson.details(event.details());
    json.put("sequence", ModelState.sequence(event));
    json.put("type", event.type());
    json.put("version", event.version());
    json.put("at", event.atMillis());
    json.put("actor", event.actor());
    json.put("reason", event.reason());
    json.put("idempotency_key", event.idempotencyKey());
    json.put("uri", event.uri());
    json.put("sha256", event.sha256());
    details.remove(ModelState.SEQUENCE);
    json.set("details", details);
    return json;
  }

  /** The events of the model that is named. */
  private List<LifecycleEntry> history(Context context) {
    String name = context.pathParam("name");
    List<LifecycleEntry> events =
        journal.apply(name).stream()
            .filter(e -> e.kind() == Kind.EVENT && ModelState.sequence(e) > 0)
            .toList();
    if (events.isEmpty()) {
      throw new MistakeException(HttpStatus.NOT_FOUND, "there is no model " + name);
    }
    return events;
  }

  private static CataloguedModel at(List<LifecycleEntry> history, long millis) {
    CataloguedModel model = CataloguedModel.empty(history.get(0).model());
    for (LifecycleEntry event : history) {
      if (event.atMillis() <= millis) {
        model = model.with(event);
      }
    }
    return model;
  }

  private static long moment(Context context, String name, long otherwise) {
    @Nullable String text = context.queryParam(name);
    if (text == null) {
      return otherwise;
    }
    try {
      return RegistryApi.millis(text);
    } catch (DateTimeException | NumberFormatException e) {
      throw new MistakeException(
          HttpStatus.BAD_REQUEST,
          name + " " + text + " is no point in time; write epoch milliseconds or " + Instant.EPOCH);
    }
  }

  private static long number(Context context, String name, long otherwise) {
    @Nullable String text = context.queryParam(name);
    if (text == null) {
      return otherwise;
    }
    if (!text.matches("\\d{1,18}")) {
      throw new MistakeException(HttpStatus.BAD_REQUEST, name + " " + text + " is no number");
    }
    return Long.parseLong(text);
  }
}
