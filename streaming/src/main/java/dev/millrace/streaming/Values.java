package dev.millrace.streaming;

import dev.millrace.core.row.Numbers;
import dev.millrace.core.row.ValueText;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * Field values in binary: a tag, then the value. A map is written by its keys, ascending, so that
 * equal values have equal bytes. What cannot be written is refused by its class.
 */
public final class Values {

  private static final byte NULL = 0;
  private static final byte FALSE = 1;
  private static final byte TRUE = 2;
  private static final byte INT = 3;
  private static final byte LONG = 4;
  private static final byte FLOAT = 5;
  private static final byte DOUBLE = 6;
  private static final byte STRING = 7;
  private static final byte BYTES = 8;
  private static final byte LIST = 9;
  private static final byte MAP = 10;
  private static final byte FLOATS = 11;
  private static final byte DOUBLES = 12;
  private static final byte LONGS = 13;

  public static void writeAll(@Nullable Object[] values, DataOutputView out) throws IOException {
    out.writeInt(values.length);
    for (Object value : values) {
      write(value, out);
    }
  }

  public static @Nullable Object[] readAll(DataInputView in) throws IOException {
    @Nullable Object[] values = new Object[in.readInt()];
    for (int i = 0; i < values.length; i++) {
      values[i] = read(in);
    }
    return values;
  }

  public static void write(@Nullable Object value, DataOutputView out) throws IOException {
    if (value == null) {
      out.writeByte(NULL);
    } else if (value instanceof Double number) {
      out.writeByte(DOUBLE);
      out.writeDouble(number);
    } else if (value instanceof Long number) {
      out.writeByte(LONG);
      out.writeLong(number);
    } else if (value instanceof String text) {
      out.writeByte(STRING);
      writeText(text, out);
    } else if (value instanceof Integer number) {
      out.writeByte(INT);
      out.writeInt(number);
    } else if (value instanceof Boolean truth) {
      out.writeByte(truth ? TRUE : FALSE);
    } else if (value instanceof Float number) {
      out.writeByte(FLOAT);
      out.writeFloat(number);
    } else if (value instanceof byte[] bytes) {
      out.writeByte(BYTES);
      writeBytes(bytes, out);
    } else if (value instanceof Numbers numbers) {
      write(numbers, out);
    } else if (value instanceof List<?> list) {
      out.writeByte(LIST);
      out.writeInt(list.size());
      for (Object element : list) {
        write(element, out);
      }
    } else if (value instanceof Map<?, ?> map) {
      out.writeByte(MAP);
      out.writeInt(map.size());
      for (Map.Entry<String, ?> entry : ValueText.sorted(map).entrySet()) {
        writeText(entry.getKey(), out);
        write(entry.getValue(), out);
      }
    } else {
      throw new IOException("Cannot write a value of " + value.getClass().getName());
    }
  }

  /** A vector in one piece. */
  private static void write(Numbers numbers, DataOutputView out) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(numbers.bytes()));
    if (numbers instanceof Numbers.Floats floats) {
      out.writeByte(FLOATS);
      var unused = bytes.asFloatBuffer().put(floats.array());
    } else if (numbers instanceof Numbers.Doubles doubles) {
      out.writeByte(DOUBLES);
      var unused = bytes.asDoubleBuffer().put(doubles.array());
    } else if (numbers instanceof Numbers.Longs longs) {
      out.writeByte(LONGS);
      var unused = bytes.asLongBuffer().put(longs.array());
    }
    writeBytes(bytes.array(), out);
  }

  private static Numbers floats(ByteBuffer bytes) {
    float[] values = new float[bytes.remaining() / Float.BYTES];
    var unused = bytes.asFloatBuffer().get(values);
    return Numbers.of(values);
  }

  private static Numbers doubles(ByteBuffer bytes) {
    double[] values = new double[bytes.remaining() / Double.BYTES];
    var unused = bytes.asDoubleBuffer().get(values);
    return Numbers.of(values);
  }

  private static Numbers longs(ByteBuffer bytes) {
    long[] values = new long[bytes.remaining() / Long.BYTES];
    var unused = bytes.asLongBuffer().get(values);
    return Numbers.of(values);
  }

  public static @Nullable Object read(DataInputView in) throws IOException {
    byte tag = in.readByte();
    return switch (tag) {
      case NULL -> null;
      case FALSE -> false;
      case TRUE -> true;
      case INT -> in.readInt();
      case LONG -> in.readLong();
      case FLOAT -> in.readFloat();
      case DOUBLE -> in.readDouble();
      case STRING -> readText(in);
      case BYTES -> readBytes(in);
      case LIST -> {
        int size = in.readInt();
        List<@Nullable Object> list = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
          list.add(read(in));
        }
        yield list;
      }
      case MAP -> {
        int size = in.readInt();
        SortedMap<String, @Nullable Object> map = new TreeMap<>();
        for (int i = 0; i < size; i++) {
          map.put(readText(in), read(in));
        }
        yield map;
      }
      case FLOATS -> floats(ByteBuffer.wrap(readBytes(in)));
      case DOUBLES -> doubles(ByteBuffer.wrap(readBytes(in)));
      case LONGS -> longs(ByteBuffer.wrap(readBytes(in)));
      default -> throw new IOException("Cannot read a value: unknown tag " + tag);
    };
  }

  /** Text of any length; {@code writeUTF} ends at 64 KiB. */
  public static void writeText(String text, DataOutputView out) throws IOException {
    writeBytes(text.getBytes(StandardCharsets.UTF_8), out);
  }

  public static String readText(DataInputView in) throws IOException {
    return new String(readBytes(in), StandardCharsets.UTF_8);
  }

  public static void writeBytes(byte[] bytes, DataOutputView out) throws IOException {
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  public static byte[] readBytes(DataInputView in) throws IOException {
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes);
    return bytes;
  }

  public static void writeOptional(byte @Nullable [] bytes, DataOutputView out) throws IOException {
    out.writeBoolean(bytes != null);
    if (bytes != null) {
      writeBytes(bytes, out);
    }
  }

  public static byte @Nullable [] readOptional(DataInputView in) throws IOException {
    return in.readBoolean() ? readBytes(in) : null;
  }

  private Values() {}
}
