package dev.millrace.registry.mlflow;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * The parameters of a request, from its query or its JSON body. Whole numbers may be written as
 * texts, as protobuf's JSON has them; what nobody knows is passed over.
 */
public final class MlflowRequest {

  private static final int DEPTH_MAX = 50;
  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(DEPTH_MAX).build())
                  .build())
          // What comes after the object was meant as something.
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final ObjectNode parameters;
  private final String actor;
  private final String idempotencyKey;
  private final int length;

  private MlflowRequest(ObjectNode parameters, String actor, String idempotencyKey, int length) {
    this.parameters = parameters;
    this.actor = actor;
    this.idempotencyKey = idempotencyKey;
    this.length = length;
  }

  /**
   * @param actor who asks
   * @param idempotencyKey under which it is asked; empty where the client gave none
   */
  public static MlflowRequest ofQuery(
      Map<String, List<String>> query, String actor, String idempotencyKey) {
    ObjectNode parameters = JsonNodeFactory.instance.objectNode();
    query.forEach(
        (key, values) -> {
          if (values.size() == 1) {
            parameters.put(key, values.get(0));
          } else {
            ArrayNode all = parameters.putArray(key);
            values.forEach(all::add);
          }
        });
    return new MlflowRequest(parameters, actor, idempotencyKey, 0);
  }

  /** The same of a body; one that is empty has no parameters. */
  public static MlflowRequest ofBody(String body, String actor, String idempotencyKey) {
    if (body.isBlank()) {
      return new MlflowRequest(JsonNodeFactory.instance.objectNode(), actor, idempotencyKey, 0);
    }
    try {
      if (JSON.readTree(body) instanceof ObjectNode object) {
        return new MlflowRequest(object, actor, idempotencyKey, body.length());
      }
    } catch (JsonProcessingException e) {
      throw new MlflowError(
          MlflowError.Code.BAD_REQUEST, "the body is no JSON: " + e.getOriginalMessage());
    }
    throw new MlflowError(MlflowError.Code.BAD_REQUEST, "the body is no JSON object");
  }

  public String actor() {
    return actor;
  }

  public String idempotencyKey() {
    return idempotencyKey;
  }

  /** How many characters its body had. */
  public int length() {
    return length;
  }

  /** A text that has to be there and not empty. */
  public String required(String name) {
    String text = text(name, "");
    if (text.isEmpty()) {
      throw missing(name);
    }
    return text;
  }

  /** A text, or a number or boolean as text. */
  public String text(String name, String otherwise) {
    JsonNode node = parameters.path(name);
    if (node.isMissingNode() || node.isNull()) {
      return otherwise;
    }
    if (!node.isValueNode()) {
      throw wrong(name, "a string", node);
    }
    return node.asText();
  }

  public boolean has(String name) {
    JsonNode node = parameters.path(name);
    return !node.isMissingNode() && !node.isNull();
  }

  public OptionalLong number(String name) {
    JsonNode node = parameters.path(name);
    if (node.isMissingNode() || node.isNull()) {
      return OptionalLong.empty();
    }
    if (node.isIntegralNumber() && node.canConvertToLong()) {
      return OptionalLong.of(node.longValue());
    }
    if (node.isTextual()) {
      try {
        return OptionalLong.of(Long.parseLong(node.textValue().strip()));
      } catch (NumberFormatException e) {
        throw wrong(name, "an integer", node);
      }
    }
    throw wrong(name, "an integer", node);
  }

  /** The run that is meant; older clients name it in another way. */
  public String runId() {
    String id = text("run_id", "");
    if (id.isEmpty()) {
      id = text("run_uuid", "");
    }
    return id.isEmpty() ? required("run_id") : id;
  }

  /** A version's number. */
  public int version() {
    String text = required("version");
    try {
      return Integer.parseInt(text.strip());
    } catch (NumberFormatException e) {
      throw MlflowError.invalid("Parameter 'version' must be an integer, got '" + text + "'.");
    }
  }

  /** How many are asked for at most. */
  public int maxResults(int otherwise, int max) {
    OptionalLong asked = number("max_results");
    if (asked.isEmpty() || asked.getAsLong() == 0) {
      return otherwise;
    }
    if (asked.getAsLong() < 0 || asked.getAsLong() > max) {
      throw MlflowError.invalid(
          "Invalid value "
              + asked.getAsLong()
              + " for parameter 'max_results' supplied. It must be a positive integer of at most "
              + max
              + ".");
    }
    return (int) asked.getAsLong();
  }

  public boolean flag(String name) {
    JsonNode node = parameters.path(name);
    if (node.isTextual()) {
      return Boolean.parseBoolean(node.textValue());
    }
    return node.asBoolean(false);
  }

  /** A number that may be NaN or infinite, and is written as a text then. */
  public double real(String name) {
    JsonNode node = parameters.path(name);
    if (node.isMissingNode() || node.isNull()) {
      throw missing(name);
    }
    return Reals.of(node).orElseThrow(() -> wrong(name, "a number", node));
  }

  /** Texts; one alone counts as a list of it. */
  public List<String> texts(String name) {
    JsonNode node = parameters.path(name);
    List<String> texts = new ArrayList<>();
    if (node.isArray()) {
      for (JsonNode each : node) {
        if (!each.isValueNode()) {
          throw wrong(name, "a list of strings", node);
        }
        texts.add(each.asText());
      }
    } else if (!node.isMissingNode() && !node.isNull()) {
      texts.add(text(name, ""));
    }
    return texts;
  }

  /** Objects of a list. */
  public List<MlflowRequest> objects(String name) {
    JsonNode node = parameters.path(name);
    List<MlflowRequest> objects = new ArrayList<>();
    if (node.isMissingNode() || node.isNull()) {
      return objects;
    }
    for (JsonNode each : node) {
      if (!(each instanceof ObjectNode object)) {
        throw wrong(name, "a list of objects", node);
      }
      objects.add(new MlflowRequest(object, actor, idempotencyKey, 0));
    }
    return objects;
  }

  /** An object within. */
  public Optional<MlflowRequest> object(String name) {
    return parameters.path(name) instanceof ObjectNode object
        ? Optional.of(new MlflowRequest(object, actor, idempotencyKey, 0))
        : Optional.empty();
  }

  /** {@code [{"key": …, "value": …}]}; of a key that is there twice the last counts. */
  public Map<String, String> tags(String name) {
    Map<String, String> tags = new LinkedHashMap<>();
    for (MlflowRequest tag : objects(name)) {
      tags.put(tag.required("key"), tag.text("value", ""));
    }
    return tags;
  }

  /** From which of all that were found a page begins; 0 without a token. */
  public int offset() {
    String token = text("page_token", "");
    if (token.isEmpty()) {
      return 0;
    }
    OptionalInt offset = PageToken.read(token);
    return offset.orElseThrow(() -> MlflowError.invalid("Invalid page token, could not be read"));
  }

  /** The parameters as they came. */
  public ObjectNode json() {
    return parameters;
  }

  private static MlflowError missing(String name) {
    return MlflowError.invalid(
        "Missing value for required parameter '"
            + name
            + "'. See the API docs for more information about request parameters.");
  }

  private static MlflowError wrong(String name, String what, JsonNode node) {
    String text = node.toString();
    return MlflowError.invalid(
        "Invalid value "
            + (text.length() > 100 ? text.substring(0, 100) + "…" : text)
            + " for parameter '"
            + name
            + "' supplied: it must be "
            + what
            + ".");
  }
}
