package dev.millrace.cli.score;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a batch run did.
 *
 * @param rows predictions in all
 * @param versions how many each version made
 * @param fallbacks how many the fallback made
 * @param letters events without a prediction, by reason
 * @param undecided events whose view's log did not reach them
 */
record ScoreSummary(
    String model,
    String run,
    String out,
    long rows,
    Map<Integer, Long> versions,
    long fallbacks,
    Map<String, Long> letters,
    long undecided,
    Duration took) {

  private static final String VERSION = "version.";
  private static final String LETTERS = "letters.";

  static ScoreSummary of(
      String model, String run, String out, Map<String, String> counts, Duration took) {
    Map<Integer, Long> versions = new TreeMap<>();
    Map<String, Long> letters = new TreeMap<>();
    counts.forEach(
        (name, count) -> {
          if (name.startsWith(VERSION)) {
            versions.put(Integer.valueOf(name.substring(VERSION.length())), Long.valueOf(count));
          } else if (name.startsWith(LETTERS)) {
            letters.put(name.substring(LETTERS.length()), Long.valueOf(count));
          }
        });
    return new ScoreSummary(
        model,
        run,
        out,
        count(counts, "rows"),
        versions,
        count(counts, "fallbacks"),
        letters,
        count(counts, "undecided"),
        took);
  }

  private static long count(Map<String, String> counts, String name) {
    return Long.parseLong(counts.getOrDefault(name, "0"));
  }

  private double seconds() {
    return took.toMillis() / 1000.0;
  }

  ObjectNode json(ObjectNode object) {
    object.put("model", model).put("run", run).put("out", out).put("rows", rows);
    ObjectNode byVersion = object.putObject("versions");
    versions.forEach((version, count) -> byVersion.put(String.valueOf(version), count));
    object.put("fallbacks", fallbacks);
    ObjectNode byReason = object.putObject("dead_letters");
    letters.forEach(byReason::put);
    object.put("undecided", undecided).put("seconds", seconds());
    return object;
  }

  List<String> lines() {
    List<String> lines = new ArrayList<>();
    lines.add(
        String.format(
            Locale.ROOT,
            "%s: %,d predictions in %.1f s to %s, run %s",
            model,
            rows,
            seconds(),
            out,
            run));
    versions.forEach(
        (version, count) ->
            lines.add(String.format(Locale.ROOT, "  by version %d: %,d", version, count)));
    if (fallbacks > 0) {
      lines.add(String.format(Locale.ROOT, "  by the fallback: %,d", fallbacks));
    }
    letters.forEach(
        (reason, count) ->
            lines.add(String.format(Locale.ROOT, "  not scored, %s: %,d", reason, count)));
    if (undecided > 0) {
      lines.add(
          String.format(
              Locale.ROOT,
              "  %,d events have no row yet that includes them: they are late for their view, or"
                  + " newer than its table; run it again after the next checkpoint to see",
              undecided));
    }
    return lines;
  }
}
