package dev.millrace.cli.score;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.events.RecordJson;
import dev.millrace.core.definition.Model;
import dev.millrace.core.lifecycle.DecidedDeployment;
import dev.millrace.scoring.explain.Contributions;
import dev.millrace.trainer.EventEvidence;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * Everything there is to tell about one prediction.
 *
 * @param searched where it was looked for
 * @param recomputed null where no version scored it, or its artifact cannot be loaded
 * @param notRecomputed why; null where it was
 * @param with another version's score; null where none was asked for
 * @param label null where none has come
 * @param labelled what is known of the label, for people
 */
record ShownPrediction(
    Model model,
    GenericRecord prediction,
    List<String> searched,
    @Nullable DecidedDeployment deployment,
    @Nullable Rescored recomputed,
    @Nullable String notRecomputed,
    @Nullable Rescored with,
    EventEvidence.@Nullable Label label,
    String labelled) {

  private static final JsonMapper JSON = new JsonMapper();

  /** Inputs of a record of predictions by name: Doubles and texts; null where one was missing. */
  static Map<String, @Nullable Object> inputs(GenericRecord prediction) {
    Map<String, @Nullable Object> inputs = new LinkedHashMap<>();
    ((Map<?, ?>) prediction.get("inputs"))
        .forEach((name, value) -> inputs.put(name.toString(), input(value)));
    return inputs;
  }

  private static @Nullable Object input(@Nullable Object value) {
    return value instanceof CharSequence text
        ? text.toString()
        : value instanceof Double d ? d : null;
  }

  private double score() {
    return (Double) prediction.get("score");
  }

  /** By view: the row that was served. */
  private Map<String, GenericRecord> rows() {
    Map<String, GenericRecord> rows = new LinkedHashMap<>();
    if (prediction.get("rows") instanceof Map<?, ?> map) {
      map.forEach((view, row) -> rows.put(view.toString(), (GenericRecord) row));
    }
    return rows;
  }

  private Map<String, String> freshness() {
    Map<String, String> freshness = new LinkedHashMap<>();
    if (prediction.get("freshness") instanceof Map<?, ?> map) {
      map.forEach((view, how) -> freshness.put(view.toString(), how.toString()));
    }
    return freshness;
  }

  private @Nullable String view(String input) {
    for (Model.Input each : model.inputs()) {
      if (each.name().equals(input) && each instanceof Model.Input.OfView of) {
        return of.view();
      }
    }
    return null;
  }

  /** One object with everything. */
  ObjectNode json() {
    ObjectNode object = JSON.createObjectNode();
    try {
      object.set("prediction", JSON.readTree(RecordJson.of(prediction)));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Cannot read JSON that was just written", e);
    }
    searched.forEach(object.putArray("searched")::add);
    object.set("deployment", JSON.valueToTree(deployment));
    ArrayNode inputs = object.putArray("inputs");
    inputs(prediction).forEach((name, value) -> input(inputs.addObject(), name, value));
    Rescored again = recomputed;
    if (again == null) {
      object.putObject("recomputation").put("why_not", notRecomputed);
    } else {
      ObjectNode recomputation = rescored(object.putObject("recomputation"), again);
      recomputation.put("equal", again.is(score()));
    }
    Rescored other = with;
    if (other != null) {
      rescored(object.putObject("with"), other).put("difference", other.score() - score());
    }
    ObjectNode told = object.putObject("label");
    EventEvidence.Label came = label;
    told.put("value", came == null ? null : (Double) came.value());
    told.put("time", came == null ? null : Instant.ofEpochMilli(came.timeMillis()).toString());
    told.put("state", labelled);
    return object;
  }

  private void input(ObjectNode one, String name, @Nullable Object value) {
    one.put("name", name).set("value", JSON.valueToTree(value));
    String view = view(name);
    if (view == null) {
      one.put("from", "event");
      return;
    }
    one.put("from", "view").put("view", view).put("freshness", freshness().get(view));
    GenericRecord row = rows().get(view);
    if (row != null) {
      ObjectNode served = one.putObject("row");
      served.put("time", Instant.ofEpochMilli((Long) row.get("time")).toString());
      served.put("source", row.get("source").toString());
      served.put("version", row.get("version").toString());
    }
  }

  private static ObjectNode rescored(ObjectNode object, Rescored rescored) {
    object.put("version", rescored.version()).put("sha256", rescored.sha256());
    object.put("score", rescored.score());
    Contributions of = rescored.contributions();
    ObjectNode contributions = object.putObject("contributions");
    contributions.put("method", of.method().name()).put("unit", of.unit().name());
    contributions.put("base", of.base()).put("value", of.value());
    contributions.put("against", rescored.against());
    rescored.notes().forEach(contributions.putArray("notes")::add);
    ArrayNode inputs = contributions.putArray("inputs");
    List<Double> errors = of.errors();
    for (int i = 0; i < rescored.inputs().size(); i++) {
      ObjectNode one = inputs.addObject();
      one.put("name", rescored.inputs().get(i)).put("contribution", of.values().get(i));
      if (errors != null) {
        one.put("error", errors.get(i));
      }
    }
    return object;
  }

  /** For people. */
  List<String> lines() {
    List<String> lines = new ArrayList<>();
    lines.add(
        String.format(
            Locale.ROOT,
            "%s %s: score %s, decision %s, %s version %s",
            prediction.get("model"),
            prediction.get("event_id"),
            score(),
            prediction.get("decision") == null ? "-" : prediction.get("decision"),
            prediction.get("role"),
            prediction.get("version")));
    lines.add(
        "  event time %s, scored at %s"
            .formatted(time(prediction.get("event_time")), time(prediction.get("scored_at"))));
    DecidedDeployment decided = deployment;
    lines.add(
        decided == null
            ? "  deployment "
                + (prediction.get("deployment_id") == null
                    ? "none"
                    : prediction.get("deployment_id")
                        + ", of which the registry knows nothing any more")
            : "  deployment %s, %s, effective from %s, by %s: %s"
                .formatted(
                    decided.deploymentId(),
                    decided.state(),
                    effective(decided.effectiveTimeMillis()),
                    decided.actor(),
                    decided.reason()));
    lines.add("  inputs");
    inputs(prediction).forEach((name, value) -> lines.add(inputLine(name, value)));
    Rescored again = recomputed;
    if (again == null) {
      lines.add("  not recomputed: " + notRecomputed);
    } else {
      lines.add(
          "  recomputed with version %d: %s, %s"
              .formatted(
                  again.version(),
                  again.score(),
                  again.is(score()) ? "equal bit for bit" : "NOT what was served"));
      contributions(lines, again);
    }
    Rescored other = with;
    if (other != null) {
      lines.add(
          String.format(
              Locale.ROOT,
              "  with version %d: %s (%+.6f)",
              other.version(),
              other.score(),
              other.score() - score()));
      contributions(lines, other);
    }
    lines.add("  label: " + labelled);
    searched.forEach(where -> lines.add("  searched " + where));
    return lines;
  }

  private String inputLine(String name, @Nullable Object value) {
    String view = view(name);
    GenericRecord row = view == null ? null : rows().get(view);
    String from =
        view == null
            ? "from the event"
            : "%s %s%s"
                .formatted(
                    view,
                    freshness().getOrDefault(view, "-"),
                    row == null
                        ? ""
                        : ", row of %s at %s, definition %s"
                            .formatted(
                                time(row.get("time")), row.get("source"), row.get("version")));
    return String.format(
        Locale.ROOT, "    %-32s %-22s %s", name, value == null ? "missing" : value, from);
  }

  private static void contributions(List<String> lines, Rescored rescored) {
    Contributions of = rescored.contributions();
    lines.add(
        String.format(
            Locale.ROOT,
            "    %s contributions in %s, against %s",
            of.errors() == null ? "exact" : "sampled",
            of.unit() == Contributions.Unit.LOG_ODDS ? "log odds" : "the score",
            rescored.against()));
    rescored.notes().forEach(note -> lines.add("    " + note));
    lines.add(String.format(Locale.ROOT, "    %-32s %+.6f", "(base)", of.base()));
    List<Double> errors = of.errors();
    for (int place : rescored.byWeight()) {
      lines.add(
          String.format(
              Locale.ROOT,
              "    %-32s %+.6f%s",
              rescored.inputs().get(place),
              of.values().get(place),
              errors == null ? "" : String.format(Locale.ROOT, " ± %.6f", errors.get(place))));
    }
    lines.add(String.format(Locale.ROOT, "    %-32s %+.6f", "(sum)", of.value()));
  }

  /** A deployment that was made before any event is effective from a time before all. */
  private static String effective(@Nullable Long timeMillis) {
    if (timeMillis == null) {
      return "where each task read it";
    }
    return timeMillis < 0 ? "the first event" : time(timeMillis);
  }

  private static String time(@Nullable Object millis) {
    return millis instanceof Long at ? Instant.ofEpochMilli(at).toString() : "-";
  }
}
