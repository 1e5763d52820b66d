package dev.millrace.cli.demo;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.trainer.Metrics;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What the demo measured, in the end.
 *
 * @param events sent, by source
 * @param featureRows in the offline store, by view
 * @param predictions events with a prediction, by role
 * @param repeats records on the predictions topic beyond the first of their event
 * @param look what to look at, by name
 */
record DemoSummary(
    double seconds,
    Map<String, Long> events,
    Map<String, Long> featureRows,
    Map<String, Long> predictions,
    long repeats,
    long deadLetters,
    int version,
    Compared validation,
    Compared holdout,
    LiveFigures live,
    Map<String, String> look) {

  static final List<String> FRESHNESS = List.of("INCLUDED", "STALE", "AHEAD", "MISSING");

  private static final double MEDIAN = 0.5;
  private static final double NEARLY_ALL = 0.99;

  /** The model and what knows only the calendar and the distance. */
  record Compared(Metrics model, Metrics baseline) {}

  List<String> lines() {
    List<String> lines = new ArrayList<>();
    lines.add("");
    lines.add(format("Done in %.0f s. What this machine has just measured:", seconds));
    lines.add(row("events in", count(sum(events)) + " " + counts(events)));
    lines.add(row("features written", count(sum(featureRows)) + " rows " + counts(featureRows)));
    lines.add(
        row(
            "model",
            format(
                "version %d, holdout AUC %.4f; calendar and distance alone %.4f",
                version, holdout.model().auc(), holdout.baseline().auc())));
    lines.add(
        row(
            "predictions out",
            count(sum(predictions))
                + " "
                + counts(predictions)
                + (sum(predictions) == events.getOrDefault("departures", 0L)
                    ? ", one for each departure"
                    : "")
                + (repeats == 0 ? "" : ", " + count(repeats) + " repeated")));
    lines.add(
        row(
            "latency",
            format(
                "p50 %.1f ms, p99 %.1f ms over %,d live predictions",
                live.latencies().percentileMillis(MEDIAN),
                live.latencies().percentileMillis(NEARLY_ALL),
                live.latencies().count())));
    lines.add(row("freshness", freshness(live)));
    lines.add(row("dead letters", count(deadLetters)));
    lines.add("");
    lines.add("Look at it:");
    look.forEach((name, where) -> lines.add(row(name, where)));
    return lines;
  }

  /** The shares of the verdicts that were given. */
  static String freshness(LiveFigures live) {
    StringBuilder text = new StringBuilder();
    for (String verdict : FRESHNESS) {
      text.append(text.isEmpty() ? "" : ", ")
          .append(format("%s %.1f %%", verdict, 100 * live.freshnessShare(verdict)));
    }
    return text.toString();
  }

  String json() {
    JsonMapper json = new JsonMapper();
    ObjectNode root = json.createObjectNode();
    root.put("demo", "flights");
    root.put("seconds", seconds);
    put(root.putObject("events"), events);
    put(root.putObject("feature_rows"), featureRows);
    put(root.putObject("predictions"), predictions);
    root.put("repeated_predictions", repeats);
    root.put("dead_letters", deadLetters);
    ObjectNode model = root.putObject("model");
    model.put("version", version);
    put(model.putObject("validation"), validation);
    put(model.putObject("holdout"), holdout);
    ObjectNode measured = root.putObject("live");
    measured.put("departures", live.departures());
    put(measured.putObject("predictions"), live.byRole());
    measured.put("latency_p50_ms", live.latencies().percentileMillis(MEDIAN));
    measured.put("latency_p99_ms", live.latencies().percentileMillis(NEARLY_ALL));
    measured.put("latency_max_ms", live.latencies().maxMillis());
    measured.put("latency_count", live.latencies().count());
    measured.put("sent_late_max_ms", live.sentLateMaxMillis());
    ObjectNode shares = measured.putObject("freshness");
    FRESHNESS.forEach(f -> shares.put(f, live.freshnessShare(f)));
    ObjectNode where = root.putObject("look");
    look.forEach(where::put);
    return root.toString();
  }

  private static void put(ObjectNode object, Map<String, Long> counts) {
    counts.forEach(object::put);
  }

  private static void put(ObjectNode object, Compared compared) {
    put(object.putObject("model"), compared.model());
    put(object.putObject("baseline"), compared.baseline());
  }

  private static void put(ObjectNode object, Metrics metrics) {
    object.put("auc", metrics.auc());
    object.put("log_loss", metrics.logLoss());
    object.put("calibration_error", metrics.calibrationError());
    object.put("count", metrics.count());
    object.put("positives", metrics.positives());
  }

  private static String row(String name, String value) {
    return format("  %-17s %s", name, value);
  }

  private static long sum(Map<String, Long> counts) {
    return counts.values().stream().mapToLong(Long::longValue).sum();
  }

  private static String count(long value) {
    return format("%,d", value);
  }

  static String counts(Map<String, Long> counts) {
    StringBuilder text = new StringBuilder("(");
    counts.forEach(
        (name, value) ->
            text.append(text.length() == 1 ? "" : ", ").append(format("%s %,d", name, value)));
    return text.append(')').toString();
  }

  static String format(String form, Object... values) {
    return String.format(Locale.ROOT, form, values);
  }
}
