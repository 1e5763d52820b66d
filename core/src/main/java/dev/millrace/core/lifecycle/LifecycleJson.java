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
  private static final int TOLD_MAX = 100;

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

  /**
   * A text that has to be there.
   *
   * @throws IllegalArgumentException where it is not
   */
  public static String required(JsonNode json, String key) {
    JsonNode value = json.path(key);
    if (!value.isTextual()) {
      throw new IllegalArgumentException(key + " is no text but " + told(value));
    }
    return value.textValue();
  }

  /**
   * A text that may be missing.
   *
   * @throws IllegalArgumentException where it is something else
   */
  public static @Nullable String optional(JsonNode json, String key) {
    JsonNode value = json.path(key);
    return value.isMissingNode() || value.isNull() ? null : required(json, key);
  }

  /**
   * A time in epoch milliseconds.
   *
   * @throws IllegalArgumentException where it is none that a record may have
   */
  public static long moment(JsonNode json, String key) {
    JsonNode value = json.path(key);
    if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
      throw new IllegalArgumentException(
          key + " is no time in epoch milliseconds but " + told(value));
    }
    return value.longValue();
  }

  /**
   * The number of an event among its subject's, in its details.
   *
   * @throws IllegalArgumentException where it has none
   */
  public static long sequence(String details) {
    JsonNode value = details(details).path("sequence");
    if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 1) {
      throw new IllegalArgumentException(
          "sequence in its details is no number from 1 on but " + told(value));
    }
    return value.longValue();
  }

  private static String told(JsonNode value) {
    String text = value.isMissingNode() ? "missing" : value.toString();
    return text.length() > TOLD_MAX ? text.substring(0, TOLD_MAX) + "…" : text;
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
