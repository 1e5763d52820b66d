package dev.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Fields of answers and requests, as they are written in JSON. What is unknown is left alone. */
final class Fields {

  static String text(JsonNode json, String name) {
    return json.path(name).asText("");
  }

  static @Nullable String textOrNull(JsonNode json, String name) {
    JsonNode node = json.path(name);
    return node.isMissingNode() || node.isNull() ? null : node.asText();
  }

  /** Epoch milliseconds; some servers write them as texts. */
  static Instant instant(JsonNode json, String name) {
    return Instant.ofEpochMilli(json.path(name).asLong(0));
  }

  static @Nullable Instant instantOrNull(JsonNode json, String name) {
    JsonNode node = json.path(name);
    return node.isMissingNode() || node.isNull() ? null : Instant.ofEpochMilli(node.asLong());
  }

  /** {@code [{"key": …, "value": …}]}. */
  static Map<String, String> pairs(JsonNode json, String name) {
    Map<String, String> pairs = new TreeMap<>();
    json.path(name).forEach(pair -> pairs.put(text(pair, "key"), text(pair, "value")));
    return pairs;
  }

  static void pairs(ObjectNode json, String name, Map<String, String> pairs) {
    if (!pairs.isEmpty()) {
      ArrayNode array = json.putArray(name);
      pairs.forEach((key, value) -> array.addObject().put("key", key).put("value", value));
    }
  }

  static <T> List<T> list(JsonNode json, String name, Function<JsonNode, T> of) {
    List<T> list = new ArrayList<>();
    json.path(name).forEach(each -> list.add(of.apply(each)));
    return list;
  }

  /** A number that may be NaN or infinite, and is a text then. */
  static double real(JsonNode node) {
    return node.isTextual() ? Double.parseDouble(node.textValue()) : node.doubleValue();
  }

  static void putReal(ObjectNode json, String name, double value) {
    if (Double.isFinite(value)) {
      json.put(name, value);
    } else {
      json.put(name, Double.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
    }
  }

  /** The constant of that name; the other one where a newer registry has more. */
  static <E extends Enum<E>> E constant(Class<E> type, String name, E otherwise) {
    for (E each : type.getEnumConstants()) {
      if (each.name().equals(name)) {
        return each;
      }
    }
    return otherwise;
  }

  private Fields() {}
}
