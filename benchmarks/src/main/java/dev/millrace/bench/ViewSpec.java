package dev.millrace.bench;

import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Project;
import java.util.List;
import java.util.Map;

/**
 * A view over one number column {@code x} of an entity {@code k}, in the words that a user would
 * write.
 *
 * @param functions of the contract, each over every window
 * @param windows such as {@code 5m}
 * @param accuracy {@code exact} or {@code tiled}
 */
public record ViewSpec(List<String> functions, List<String> windows, String accuracy) {

  /** Four functions over two windows. */
  static final ViewSpec FOUR_BY_TWO =
      new ViewSpec(List.of("count", "sum", "mean", "max"), List.of("5m", "1h"), "exact");

  /** One function over one window. */
  static final ViewSpec ONE_BY_ONE = new ViewSpec(List.of("sum"), List.of("5m"), "exact");

  private static final String SCHEMA =
      """
      {"type": "record", "name": "Measured", "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "k", "type": "string"},
        {"name": "x", "type": "double"}
      ]}
      """;

  ViewSpec withAccuracy(String other) {
    return new ViewSpec(functions, windows, other);
  }

  /** The project that holds it. */
  public Map<String, String> files() {
    StringBuilder aggregations = new StringBuilder();
    for (String function : functions) {
      aggregations
          .append("      - {function: ")
          .append(function)
          .append(function.equals("count") ? "" : ", column: x")
          .append(", windows: [")
          .append(String.join(", ", windows))
          .append("]}\n");
    }
    // Nothing is refreshed while a benchmark runs: the peers have no such rows.
    String yaml =
        """
        project: bench
        sources:
          - {name: measured, schema: measured.avsc, event-id: id, event-time: at, archive: false}
        entities:
          - {name: k, keys: [k]}
        feature-views:
          - name: measured_view
            entity: k
            source: measured
            accuracy: %s
            refresh: 1d
            aggregations:
        """
            .formatted(accuracy);
    return Map.of("millrace.yaml", yaml + aggregations, "measured.avsc", SCHEMA);
  }

  public Project project() {
    return Definitions.read(files());
  }
}
