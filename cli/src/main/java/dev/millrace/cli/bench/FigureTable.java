package dev.millrace.cli.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Figures for people: as a table of a terminal, or of a page. */
final class FigureTable {

  private static final List<String> COLUMNS =
      List.of("name", "value", "unit", "spread", "ceiling", "peer", "ratio", "goal", "met");

  private FigureTable() {}

  static List<String> plain(JsonNode report) {
    List<List<String>> rows = rows(report);
    int[] widths = new int[COLUMNS.size()];
    for (List<String> row : rows) {
      for (int c = 0; c < widths.length; c++) {
        widths[c] = Math.max(widths[c], row.get(c).length());
      }
    }
    List<String> lines = new ArrayList<>();
    lines.add(report.path("bench").asText() + " on " + report.path("machine").asText());
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int c = 0; c < widths.length; c++) {
        boolean left = c == 0 || c == 2;
        String cell = row.get(c);
        String space = " ".repeat(widths[c] - cell.length());
        line.append(c == 0 ? "" : "  ").append(left ? cell + space : space + cell);
      }
      lines.add(line.toString().stripTrailing());
    }
    for (JsonNode detail : report.path("details")) {
      lines.add(
          "  "
              + detail.path("name").asText()
              + ": "
              + number(detail.path("value"))
              + " "
              + detail.path("unit").asText());
    }
    return lines;
  }

  static List<String> markdown(JsonNode report) {
    List<String> lines = new ArrayList<>();
    lines.add("Machine: " + report.path("machine").asText());
    lines.add("");
    List<List<String>> rows = rows(report);
    for (int r = 0; r < rows.size(); r++) {
      lines.add("| " + String.join(" | ", rows.get(r)) + " |");
      if (r == 0) {
        lines.add("|" + "---|".repeat(COLUMNS.size()));
      }
    }
    lines.add("");
    lines.add("| beside them | value | unit |");
    lines.add("|---|---|---|");
    for (JsonNode detail : report.path("details")) {
      lines.add(
          "| "
              + detail.path("name").asText()
              + " | "
              + number(detail.path("value"))
              + " | "
              + detail.path("unit").asText()
              + " |");
    }
    return lines;
  }

  private static List<List<String>> rows(JsonNode report) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(COLUMNS);
    for (JsonNode figure : report.path("figures")) {
      JsonNode spread = figure.path("spread");
      rows.add(
          List.of(
              figure.path("name").asText(),
              number(figure.path("value")),
              figure.path("unit").asText(),
              number(spread.path(0)) + " to " + number(spread.path(1)),
              number(figure.path("ceiling")),
              number(figure.path("peer")),
              number(figure.path("ratio")),
              number(figure.path("goal")),
              figure.path("met").asBoolean() ? "yes" : "NO"));
    }
    return rows;
  }

  private static String number(JsonNode number) {
    if (!number.isNumber()) {
      return "-";
    }
    double value = number.asDouble();
    if (Math.abs(value) >= 1000) {
      return String.format(Locale.ROOT, "%,.0f", value);
    }
    return value == Math.rint(value)
        ? String.valueOf((long) value)
        : String.format(Locale.ROOT, "%.3g", value);
  }
}
