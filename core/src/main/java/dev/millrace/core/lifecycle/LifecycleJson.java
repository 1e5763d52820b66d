package dev.millrace.core.lifecycle;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** How the registry's state and the details of its entries are written and read. */
public final class LifecycleJson {

  private static final JsonMapper JSON = new JsonMapper();

  /**
   * The details of an entry.
   *
   * @throws IllegalArgumentException where they are no JSON object
   */
  public static ObjectNode details(String text) {
    try {
      if (JSON.readTree(text) instanceof ObjectNode object) {
        return object;
      }
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "details are no JSON object: " + e.getOriginalMessage(), e);
    }
    throw new IllegalArgumentException("details are no JSON object");
  }

  /** The bytes of a state; equal states have equal bytes. */
  public static byte[] write(Object state) {
    try {
      return JSON.writeValueAsBytes(state);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException("Cannot write " + state, e);
    }
  }

  /** What {@link #write} wrote. */
  public static <T> T read(byte[] bytes, Class<T> type) {
    try {
      return JSON.readValue(bytes, type);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read a " + type.getSimpleName(), e);
    }
  }

  static ObjectNode object() {
    return JSON.createObjectNode();
  }

  static JsonNode none() {
    return JsonNodeFactory.instance.nullNode();
  }

  static @Nullable String text(JsonNode json, String key) {
    JsonNode value = json.path(key);
    return value.isTextual() ? value.textValue() : null;
  }

  /** The texts of an object by their keys; none where it is no object. */
  static Map<String, String> texts(JsonNode json) {
    Map<String, String> texts = new TreeMap<>();
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      if (field.getValue().isTextual()) {
        texts.put(field.getKey(), field.getValue().textValue());
      }
    }
    return texts;
  }

  /** A map as states hold it: sorted, so that equal ones are written alike. */
  static Map<String, String> orNone(@Nullable Map<String, String> map) {
    return map == null ? Collections.emptyMap() : Collections.unmodifiableMap(new TreeMap<>(map));
  }

  private LifecycleJson() {}
}
