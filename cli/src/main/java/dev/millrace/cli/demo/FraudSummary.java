package dev.millrace.cli.demo;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What was read back in the end, line by line, and which of it had to hold. */
final class FraudSummary {

  private final List<Line> lines = new ArrayList<>();
  private final Map<String, Double> secondsByPhase = new LinkedHashMap<>();
  private double seconds;

  /**
   * One line.
   *
   * @param holds null where nothing is claimed
   */
  private record Line(String name, String value, @Nullable Boolean holds) {}

  /** Something that is told and claims nothing. */
  void tell(String name, String value) {
    lines.add(new Line(name, value, null));
  }

  /** Something that must hold. */
  void check(String name, boolean holds, String value) {
    lines.add(new Line(name, value, holds));
  }

  void phase(String name, double took) {
    secondsByPhase.merge(name, took, Double::sum);
  }

  void took(double all) {
    seconds = all;
  }

  /** The names of what had to hold and does not. */
  List<String> broken() {
    return lines.stream()
        .filter(line -> Boolean.FALSE.equals(line.holds))
        .map(line -> line.name + ": " + line.value)
        .toList();
  }

  List<String> text() {
    List<String> text = new ArrayList<>();
    text.add("");
    text.add(DemoSummary.format("Done in %.0f s. What was read back:", seconds));
    for (Line line : lines) {
      String mark = line.holds == null ? " " : line.holds ? "+" : "!";
      text.add(DemoSummary.format("  %s %-22s %s", mark, line.name, line.value));
    }
    StringBuilder phases = new StringBuilder();
    secondsByPhase.forEach(
        (name, took) ->
            phases
                .append(phases.isEmpty() ? "" : ", ")
                .append(DemoSummary.format("%s %.0f s", name, took)));
    text.add(DemoSummary.format("    %-22s %s", "time", phases));
    return text;
  }

  String json() {
    ObjectNode root = new JsonMapper().createObjectNode();
    root.put("demo", "fraud");
    root.put("seconds", seconds);
    ObjectNode phases = root.putObject("phases");
    secondsByPhase.forEach(phases::put);
    var array = root.putArray("findings");
    for (Line line : lines) {
      ObjectNode one = array.addObject();
      one.put("name", line.name);
      one.put("value", line.value);
      one.put("holds", line.holds);
    }
    return root.toString();
  }
}
