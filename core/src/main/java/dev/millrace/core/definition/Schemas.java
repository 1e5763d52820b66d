package dev.millrace.core.definition;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.LogicalType;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/** Avro schemas as sources name them. */
final class Schemas {

  private static final ObjectMapper JSON =
      new ObjectMapper(JsonFactory.builder().build())
          .configure(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS, true);

  private Schemas() {}

  /** What a field's values are, as far as keys and aggregations care. */
  enum Kind {
    WHOLE,
    REAL,
    TEXT,
    TRUTH,
    TIME,
    OTHER
  }

  /** Null where the text is no record schema, with the mistake reported. */
  static @Nullable Schema parse(String file, String text, Value named, Report report) {
    report.file(file);
    try (JsonParser parser = JSON.createParser(text)) {
      JsonNode unused = JSON.readTree(parser);
    } catch (JsonProcessingException e) {
      int line = e.getLocation() == null ? 0 : e.getLocation().getLineNr();
      report.mistake(
          file, line, "", "is no JSON: " + oneLine(e.getOriginalMessage()), "correct the syntax");
      return null;
    } catch (IOException e) {
      named.mistake("cannot read " + file + ": " + e.getMessage(), "correct the file");
      return null;
    }
    try {
      Schema schema = new Schema.Parser().parse(text);
      if (schema.getType() != Schema.Type.RECORD) {
        named.mistake(file + " is no record but " + schema.getType().getName(), "name a record");
        return null;
      }
      for (Schema.Field field : schema.getFields()) {
        if ("true".equals(String.valueOf(field.getObjectProp("personal")))
            || "true".equals(String.valueOf(field.schema().getObjectProp("personal")))) {
          report.unbuilt(
              file,
              line(text, field.name()),
              "fields." + field.name() + ".personal",
              "encryption of personal fields is not built yet");
        }
      }
      return schema;
    } catch (AvroRuntimeException e) {
      named.mistake(file + " is no Avro schema: " + oneLine(e.getMessage()), "correct the schema");
      return null;
    }
  }

  private static int line(String text, String field) {
    Matcher matcher =
        Pattern.compile("\"name\"\\s*:\\s*\"" + Pattern.quote(field) + "\"").matcher(text);
    return matcher.find()
        ? 1 + (int) text.substring(0, matcher.start()).chars().filter(c -> c == '\n').count()
        : 1;
  }

  private static String oneLine(@Nullable String text) {
    return text == null ? "cannot be read" : text.replaceAll("\\s+", " ").strip();
  }

  static Kind kind(Schema schema) {
    Schema plain = schema;
    if (schema.isUnion()) {
      plain = null;
      for (Schema branch : schema.getTypes()) {
        if (branch.getType() != Schema.Type.NULL) {
          if (plain != null) {
            return Kind.OTHER;
          }
          plain = branch;
        }
      }
      if (plain == null) {
        return Kind.OTHER;
      }
    }
    LogicalType logical = plain.getLogicalType();
    return switch (plain.getType()) {
      case INT, LONG -> logical == null ? Kind.WHOLE : Kind.TIME;
      case FLOAT, DOUBLE -> Kind.REAL;
      case STRING, ENUM -> Kind.TEXT;
      case BOOLEAN -> Kind.TRUTH;
      default -> Kind.OTHER;
    };
  }

  /** A schema in the words of its file. */
  static String shown(Schema schema) {
    if (schema.isUnion()) {
      return schema.getTypes().stream().map(Schemas::shown).collect(Collectors.joining(" or "));
    }
    LogicalType logical = schema.getLogicalType();
    return logical == null ? schema.getType().getName() : logical.getName();
  }

  static boolean isTimestampMillis(Schema schema) {
    if (schema.isUnion()) {
      return schema.getTypes().stream().anyMatch(Schemas::isTimestampMillis);
    }
    return schema.getType() == Schema.Type.LONG
        && schema.getLogicalType() != null
        && schema.getLogicalType().getName().equals("timestamp-millis");
  }

  /** The schema without documentation, its keys sorted: equal text, equal values. */
  static String canonical(Schema schema) {
    try {
      return JSON.writeValueAsString(sorted(JSON.readTree(schema.toString())));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Avro wrote a schema that is no JSON", e);
    }
  }

  private static JsonNode sorted(JsonNode node) {
    if (node instanceof ObjectNode object) {
      Map<String, JsonNode> fields = new TreeMap<>();
      object
          .properties()
          .forEach(
              e -> {
                if (!e.getKey().equals("doc")) {
                  fields.put(e.getKey(), sorted(e.getValue()));
                }
              });
      ObjectNode result = JSON.createObjectNode();
      fields.forEach(result::set);
      return result;
    }
    if (node instanceof ArrayNode array) {
      ArrayNode result = JSON.createArrayNode();
      array.forEach(e -> result.add(sorted(e)));
      return result;
    }
    return node;
  }
}
