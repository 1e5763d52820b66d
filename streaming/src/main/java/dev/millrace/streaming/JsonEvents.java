package dev.millrace.streaming;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.POJONode;
import dev.millrace.core.row.Numbers;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.apache.avro.LogicalType;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.jspecify.annotations.Nullable;

/**
 * JSON events typed by an Avro schema: fields by name, a missing one takes the schema's default, an
 * unknown one is ignored. Times are epoch milliseconds or ISO-8601 with an offset.
 */
final class JsonEvents {

  private static final int NESTING_MAX = 64;

  private final Schema schema;
  private final JsonMapper mapper =
      JsonMapper.builder()
          // NaN and Infinity are read, so that their letter can say NON_FINITE.
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER)
          .build();

  /** Reads what stands in the middle of a record. */
  private final ObjectReader part =
      mapper.readerFor(JsonNode.class).without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  /** What the elements are, by field. */
  private final Map<String, Schema.Type> vectors;

  JsonEvents(Schema schema) {
    this.schema = schema;
    this.vectors = VectorFields.of(schema);
    mapper
        .getFactory()
        .setStreamReadConstraints(
            StreamReadConstraints.builder().maxNestingDepth(NESTING_MAX).build());
  }

  /** The bytes are no event; the message says why. */
  static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedException(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  @Nullable Object[] decode(byte[] bytes) throws MalformedException {
    JsonNode tree;
    try {
      tree = vectors.isEmpty() ? mapper.readTree(bytes) : readWithVectors(bytes);
    } catch (IOException e) {
      throw new MalformedException("the bytes are no JSON", e);
    }
    if (tree == null || !tree.isObject()) {
      throw new MalformedException("the record is no JSON object", null);
    }
    List<Schema.Field> fields = schema.getFields();
    @Nullable Object[] values = new Object[fields.size()];
    for (Schema.Field field : fields) {
      JsonNode node = tree.get(field.name());
      if (node == null) {
        if (!field.hasDefaultValue()) {
          throw new MalformedException(
              field.name() + " is missing and the schema gives it no default", null);
        }
        values[field.pos()] = AvroValues.plain(GenericData.get().getDefaultValue(field));
      } else {
        values[field.pos()] = value(field.name(), field.schema(), node);
      }
    }
    return values;
  }

  /** A vector is one node, not one for each of its numbers. */
  private @Nullable JsonNode readWithVectors(byte[] bytes) throws IOException {
    try (JsonParser parser = mapper.createParser(bytes)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return mapper.readTree(bytes);
      }
      ObjectNode tree = mapper.createObjectNode();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        Schema.Type elements = vectors.get(name);
        if (parser.nextToken() == JsonToken.START_ARRAY && elements != null) {
          Numbers numbers = numbers(elements, parser);
          if (numbers == null) {
            // Whatever is wrong with it is said as for any other field.
            return mapper.readTree(bytes);
          }
          tree.set(name, new POJONode(numbers));
        } else {
          JsonNode value = part.readTree(parser);
          tree.set(name, value);
        }
      }
      return parser.nextToken() == null ? tree : mapper.readTree(bytes);
    }
  }

  /** Null where a value is no number of this type. */
  private static @Nullable Numbers numbers(Schema.Type type, JsonParser parser) throws IOException {
    NumbersBuilder numbers = new NumbersBuilder(type);
    for (JsonToken token = parser.nextToken();
        token != JsonToken.END_ARRAY;
        token = parser.nextToken()) {
      boolean whole = token == JsonToken.VALUE_NUMBER_INT;
      if (!whole && token != JsonToken.VALUE_NUMBER_FLOAT) {
        return null;
      }
      switch (type) {
        case FLOAT -> numbers.add((float) parser.getDoubleValue());
        case DOUBLE -> numbers.add(parser.getDoubleValue());
        default -> {
          JsonParser.NumberType size = whole ? parser.getNumberType() : null;
          boolean fits =
              size == JsonParser.NumberType.INT
                  || (size == JsonParser.NumberType.LONG && type == Schema.Type.LONG);
          if (!fits) {
            return null;
          }
          numbers.add(parser.getLongValue());
        }
      }
    }
    return numbers.build();
  }

  private static @Nullable Object value(String name, Schema schema, JsonNode node)
      throws MalformedException {
    return switch (schema.getType()) {
      case UNION -> union(name, schema, node);
      case NULL -> {
        if (!node.isNull()) {
          throw unfit(name, schema, node);
        }
        yield null;
      }
      case BOOLEAN -> {
        if (!node.isBoolean()) {
          throw unfit(name, schema, node);
        }
        yield node.booleanValue();
      }
      case INT -> {
        if (!node.isIntegralNumber() || !node.canConvertToInt()) {
          throw unfit(name, schema, node);
        }
        yield node.intValue();
      }
      case LONG -> time(name, schema, node);
      case FLOAT -> {
        if (!node.isNumber()) {
          throw unfit(name, schema, node);
        }
        yield node.floatValue();
      }
      case DOUBLE -> {
        if (!node.isNumber()) {
          throw unfit(name, schema, node);
        }
        yield node.doubleValue();
      }
      case STRING, ENUM -> {
        if (!node.isTextual()
            || (schema.getType() == Schema.Type.ENUM && !schema.hasEnumSymbol(node.textValue()))) {
          throw unfit(name, schema, node);
        }
        yield node.textValue();
      }
      case BYTES, FIXED -> {
        try {
          yield Base64.getDecoder().decode(node.asText());
        } catch (IllegalArgumentException e) {
          throw unfit(name, schema, node);
        }
      }
      case ARRAY -> {
        if (node instanceof POJONode vector && vector.getPojo() instanceof Numbers numbers) {
          yield numbers;
        }
        if (!node.isArray()) {
          throw unfit(name, schema, node);
        }
        List<@Nullable Object> list = new ArrayList<>(node.size());
        for (JsonNode element : node) {
          list.add(value(name, schema.getElementType(), element));
        }
        yield list;
      }
      case MAP, RECORD -> node.toString();
    };
  }

  private static @Nullable Object union(String name, Schema schema, JsonNode node)
      throws MalformedException {
    if (node.isNull() && schema.isNullable()) {
      return null;
    }
    MalformedException last = null;
    for (Schema branch : schema.getTypes()) {
      if (branch.getType() != Schema.Type.NULL) {
        try {
          return value(name, branch, node);
        } catch (MalformedException e) {
          last = e;
        }
      }
    }
    throw last == null ? unfit(name, schema, node) : last;
  }

  private static Long time(String name, Schema schema, JsonNode node) throws MalformedException {
    if (node.isIntegralNumber() && node.canConvertToLong()) {
      return node.longValue();
    }
    LogicalType logical = schema.getLogicalType();
    if (node.isTextual()
        && (logical instanceof LogicalTypes.TimestampMillis
            || logical instanceof LogicalTypes.TimestampMicros)) {
      try {
        Instant instant = OffsetDateTime.parse(node.textValue()).toInstant();
        long millis = instant.toEpochMilli();
        return logical instanceof LogicalTypes.TimestampMicros ? millis * 1000 : millis;
      } catch (DateTimeException | ArithmeticException e) {
        throw new MalformedException(
            name + " is no ISO-8601 time with an offset: " + node.textValue(), e);
      }
    }
    throw unfit(name, schema, node);
  }

  private static MalformedException unfit(String name, Schema schema, JsonNode node) {
    String shown = node.toString();
    if (shown.length() > 80) {
      shown = shown.substring(0, 80) + "…";
    }
    return new MalformedException(name + " is " + shown + ", expected " + schema.getType(), null);
  }
}
