package dev.millrace.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/** All figures of one run of a benchmark, as {@code bench --json} prints them. */
final class Report {

  private static final JsonMapper JSON = new JsonMapper();

  private final String bench;
  private final String machine;
  private final List<Figure> figures = new ArrayList<>();
  private final List<Detail> details = new ArrayList<>();

  Report(String bench, String machine) {
    this.bench = bench;
    this.machine = machine;
  }

  void add(Figure figure) {
    figures.add(figure);
  }

  void add(Detail detail) {
    details.add(detail);
  }

  List<Figure> figures() {
    return List.copyOf(figures);
  }

  String json() {
    ObjectNode report = JSON.createObjectNode();
    report.put("bench", bench);
    report.put("machine", machine);
    ArrayNode all = report.putArray("figures");
    for (Figure figure : figures) {
      ObjectNode one = all.addObject();
      one.put("name", figure.name());
      one.put("value", figure.value());
      one.put("unit", figure.unit());
      one.put("ceiling", figure.ceiling());
      one.put("peer", figure.peer());
      one.put("ratio", figure.ratio());
      one.put("goal", figure.goal());
      one.put("met", figure.met());
      one.put("note", figure.note());
      ArrayNode spread = one.putArray("spread");
      for (double end : figure.spread()) {
        spread.add(end);
      }
    }
    ArrayNode more = report.putArray("details");
    for (Detail detail : details) {
      more.addObject()
          .put("name", detail.name())
          .put("value", Figure.rounded(detail.value()))
          .put("unit", detail.unit());
    }
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(report);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Cannot write the report", e);
    }
  }
}
