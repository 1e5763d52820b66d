package dev.millrace.streaming;

import dev.millrace.core.row.Numbers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.io.BinaryDecoder;
import org.jspecify.annotations.Nullable;

/**
 * Reads records that were written with the very schema that they are read with: nothing is to be
 * resolved, which for each number of a vector costs more than reading it.
 */
final class SameSchemaReader {

  private final Schema[] fields;

  private SameSchemaReader(Schema[] fields) {
    this.fields = fields;
  }

  /** Null where the schemas differ, or hold what is left to Avro: maps and records. */
  static @Nullable SameSchemaReader of(Schema written, Schema read) {
    if (!written.equals(read) || !read.getFields().stream().allMatch(f -> isPlain(f.schema()))) {
      return null;
    }
    return new SameSchemaReader(
        read.getFields().stream().map(Schema.Field::schema).toArray(Schema[]::new));
  }

  private static boolean isPlain(Schema schema) {
    return switch (schema.getType()) {
      case RECORD, MAP -> false;
      case UNION -> schema.getTypes().stream().allMatch(SameSchemaReader::isPlain);
      case ARRAY -> isPlain(schema.getElementType());
      default -> true;
    };
  }

  /** The values of a record, as {@link AvroValues#plain} gives them. */
  @Nullable Object[] read(BinaryDecoder in) throws IOException {
    @Nullable Object[] values = new Object[fields.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = value(fields[i], in);
    }
    return values;
  }

  private static @Nullable Object value(Schema schema, BinaryDecoder in) throws IOException {
    return switch (schema.getType()) {
      case NULL -> null;
      case BOOLEAN -> in.readBoolean();
      case INT -> in.readInt();
      case LONG -> in.readLong();
      case FLOAT -> in.readFloat();
      case DOUBLE -> in.readDouble();
      case STRING -> in.readString();
      case BYTES -> {
        ByteBuffer bytes = in.readBytes(null);
        byte[] copy = new byte[bytes.remaining()];
        bytes.get(copy);
        yield copy;
      }
      case FIXED -> {
        byte[] bytes = new byte[schema.getFixedSize()];
        in.readFixed(bytes);
        yield bytes;
      }
      case ENUM -> schema.getEnumSymbols().get(in.readEnum());
      case UNION -> value(schema.getTypes().get(in.readIndex()), in);
      case ARRAY -> {
        Schema.Type elements = VectorFields.elements(schema);
        yield elements == null ? list(schema.getElementType(), in) : vector(elements, in);
      }
      case RECORD, MAP -> throw new AvroRuntimeException("Cannot read " + schema.getType());
    };
  }

  private static Numbers vector(Schema.Type elements, BinaryDecoder in) throws IOException {
    int bytes =
        switch (elements) {
          case FLOAT -> Float.BYTES;
          case DOUBLE -> Double.BYTES;
          default -> 0;
        };
    if (bytes == 0) {
      return VectorReader.numbers(elements, in);
    }
    NumbersBuilder numbers = new NumbersBuilder(elements);
    for (long block = in.readArrayStart(); block > 0; block = in.arrayNext()) {
      byte[] raw = new byte[Math.toIntExact(block * bytes)];
      in.readFixed(raw);
      numbers.addAll(raw);
    }
    return numbers.build();
  }

  private static List<@Nullable Object> list(Schema element, BinaryDecoder in) throws IOException {
    List<@Nullable Object> list = new ArrayList<>();
    for (long block = in.readArrayStart(); block > 0; block = in.arrayNext()) {
      for (long i = 0; i < block; i++) {
        list.add(value(element, in));
      }
    }
    return list;
  }
}
