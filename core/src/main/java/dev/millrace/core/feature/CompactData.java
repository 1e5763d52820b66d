package dev.millrace.core.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The few forms in which accumulators write numbers and values: small ones take few bytes. */
final class CompactData {

  private static final int NULL = 0;
  private static final int LONG = 1;
  private static final int DOUBLE = 2;
  private static final int STRING = 3;
  private static final int BOOLEAN = 4;

  /** A number that is seldom negative and mostly small, seven bits a byte. */
  static void writeCount(DataOutput out, long count) throws IOException {
    long left = count;
    while ((left & ~0x7fL) != 0) {
      out.writeByte((int) (left & 0x7f) | 0x80);
      left >>>= 7;
    }
    out.writeByte((int) left);
  }

  static long readCount(DataInput in) throws IOException {
    long count = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      byte next = in.readByte();
      count |= (next & 0x7fL) << shift;
      if (next >= 0) {
        return count;
      }
    }
    throw new IOException("Cannot read a number: it has more than ten bytes");
  }

  static int readSize(DataInput in) throws IOException {
    long size = readCount(in);
    if (size < 0 || size > Integer.MAX_VALUE - 8) {
      throw new IOException("Cannot read a size: " + size + " is out of range");
    }
    return (int) size;
  }

  /** A number of either sign that is mostly near zero. */
  static void writeSigned(DataOutput out, long number) throws IOException {
    writeCount(out, (number << 1) ^ (number >> 63));
  }

  static long readSigned(DataInput in) throws IOException {
    long coded = readCount(in);
    return (coded >>> 1) ^ -(coded & 1);
  }

  static void writeText(DataOutput out, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    writeCount(out, bytes.length);
    out.write(bytes);
  }

  static String readText(DataInput in) throws IOException {
    return new String(readBytes(in), StandardCharsets.UTF_8);
  }

  static void writeBytes(DataOutput out, byte[] bytes) throws IOException {
    writeCount(out, bytes.length);
    out.write(bytes);
  }

  static byte[] readBytes(DataInput in) throws IOException {
    byte[] bytes = new byte[readSize(in)];
    in.readFully(bytes);
    return bytes;
  }

  /** One of the four that {@link PlainValues#of} gives, or null. */
  static void writeValue(DataOutput out, @Nullable Object value) throws IOException {
    if (value == null) {
      out.writeByte(NULL);
    } else if (value instanceof Long number) {
      out.writeByte(LONG);
      writeSigned(out, number);
    } else if (value instanceof Double number) {
      out.writeByte(DOUBLE);
      out.writeDouble(number);
    } else if (value instanceof String text) {
      out.writeByte(STRING);
      writeText(out, text);
    } else if (value instanceof Boolean flag) {
      out.writeByte(BOOLEAN | (flag ? 0x10 : 0));
    } else {
      throw new IOException("Cannot write a value of " + value.getClass());
    }
  }

  static @Nullable Object readValue(DataInput in) throws IOException {
    int tag = in.readByte();
    return switch (tag & 0xf) {
      case NULL -> null;
      case LONG -> readSigned(in);
      case DOUBLE -> in.readDouble();
      case STRING -> readText(in);
      case BOOLEAN -> (tag & 0x10) != 0;
      default -> throw new IOException("Cannot read a value: unknown tag " + tag);
    };
  }

  private CompactData() {}
}
