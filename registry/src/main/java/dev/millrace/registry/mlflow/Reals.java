package dev.millrace.registry.mlflow;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.Optional;

/** Numbers of which some are no JSON numbers: {@code "NaN", "Infinity", "-Infinity"}. */
public final class Reals {

  static Optional<Double> of(JsonNode node) {
    if (node.isNumber()) {
      return Optional.of(node.doubleValue());
    }
    if (node.isTextual()) {
      return switch (node.textValue()) {
        case "NaN" -> Optional.of(Double.NaN);
        case "Infinity" -> Optional.of(Double.POSITIVE_INFINITY);
        case "-Infinity" -> Optional.of(Double.NEGATIVE_INFINITY);
        default -> parsed(node.textValue());
      };
    }
    return Optional.empty();
  }

  private static Optional<Double> parsed(String text) {
    try {
      return Optional.of(Double.valueOf(text));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  /** How it is answered. */
  public static JsonNode json(double value) {
    return Double.isFinite(value) ? DoubleNode.valueOf(value) : TextNode.valueOf(text(value));
  }

  private static String text(double value) {
    if (Double.isNaN(value)) {
      return "NaN";
    }
    return value > 0 ? "Infinity" : "-Infinity";
  }

  private Reals() {}
}
