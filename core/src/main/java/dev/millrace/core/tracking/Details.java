package dev.millrace.core.tracking;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What details of entries hold. */
final class Details {

  static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  static String text(JsonNode details, String key) {
    return details.path(key).asText("");
  }

  static @Nullable Long number(JsonNode details, String key) {
    JsonNode number = details.path(key);
    return number.canConvertToLong() && number.isIntegralNumber() ? number.longValue() : null;
  }

  /** An object of texts. */
  static SortedMap<String, String> texts(JsonNode object) {
    SortedMap<String, String> texts = new TreeMap<>();
    for (Map.Entry<String, JsonNode> field : object.properties()) {
      texts.put(field.getKey(), field.getValue().asText(""));
    }
    return texts;
  }

  /** {@code [[key, value], …]}. */
  static List<Map.Entry<String, String>> pairs(JsonNode array) {
    List<Map.Entry<String, String>> pairs = new ArrayList<>();
    for (JsonNode pair : array) {
      pairs.add(Map.entry(pair.path(0).asText(""), pair.path(1).asText("")));
    }
    return pairs;
  }

  static void put(ObjectNode details, String key, Map<String, String> texts) {
    ObjectNode object = details.putObject(key);
    texts.forEach(object::put);
  }

  private Details() {}
}
