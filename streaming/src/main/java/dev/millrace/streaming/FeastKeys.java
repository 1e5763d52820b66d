package dev.millrace.streaming;

import java.io.ByteArrayOutputStream;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.commons.codec.digest.MurmurHash3;

/**
 * The keys of Feast's online store: entity key serialization version 3 and the project's name
 * behind it, and the four bytes that stand for a feature in the hash.
 *
 * <p>All views with the same join keys share one hash. The keys of an entity are sorted by their
 * UTF-8 bytes, as Python sorts text; Java's order of text is another one beyond the Basic
 * Multilingual Plane.
 */
final class FeastKeys implements Serializable {

  private static final long serialVersionUID = 1L;

  /** The types of key values that a Millrace entity has, with Feast's numbers. */
  enum KeyType {
    STRING(2),
    INT32(3),
    INT64(4);

    private final int number;

    KeyType(int number) {
      this.number = number;
    }

    /**
     * The type of a source's field.
     *
     * @throws IllegalArgumentException where Feast has no keys of that type, or none that keeps all
     *     of a value
     */
    static KeyType of(String view, Schema.Field field) {
      List<Schema> types =
          field.schema().isUnion() ? field.schema().getTypes() : List.of(field.schema());
      List<Schema> present = types.stream().filter(t -> t.getType() != Schema.Type.NULL).toList();
      Schema type = present.size() == 1 ? present.get(0) : field.schema();
      switch (type.getType()) {
        case STRING, ENUM -> {
          return STRING;
        }
        case INT, LONG -> {
          if (type.getLogicalType() == null) {
            return type.getType() == Schema.Type.INT ? INT32 : INT64;
          }
        }
        default -> {}
      }
      throw new IllegalArgumentException(
          "Cannot write view "
              + view
              + " in Feast's layout: key "
              + field.name()
              + " is "
              + field.schema()
              + ", and Feast's keys are texts, ints and longs; use redis: {layout: millrace}");
    }
  }

  private final byte[] head;
  private final int[] order;
  private final KeyType[] types;
  private final byte[] project;

  /**
   * The keys of one entity.
   *
   * @param joinKeys names, in the entity's order
   * @param types of their values, in the same order
   */
  FeastKeys(String project, List<String> joinKeys, List<KeyType> types) {
    this.project = project.getBytes(StandardCharsets.UTF_8);
    this.types = types.toArray(new KeyType[0]);
    List<byte[]> names =
        joinKeys.stream().map(name -> name.getBytes(StandardCharsets.UTF_8)).toList();
    List<Integer> sorted = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      sorted.add(i);
    }
    sorted.sort(Comparator.comparing(names::get, Arrays::compareUnsigned));
    this.order = sorted.stream().mapToInt(i -> i).toArray();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    writeInt(order.length, out);
    for (int i : order) {
      writeInt(KeyType.STRING.number, out);
      writeInt(names.get(i).length, out);
      out.writeBytes(names.get(i));
    }
    this.head = out.toByteArray();
  }

  /**
   * The key of an entity's hash.
   *
   * @param joined the key values as in a row: joined by {@code ~}, percent-encoded
   */
  byte[] key(String joined) {
    List<String> values = split(joined);
    if (values.size() != order.length) {
      throw new IllegalArgumentException(
          "Cannot write a key for Feast: entity key '"
              + joined
              + "' has "
              + values.size()
              + " parts, the entity has "
              + order.length
              + " keys");
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream(head.length + 48);
    out.writeBytes(head);
    for (int i : order) {
      byte[] value = value(types[i], values.get(i));
      writeInt(types[i].number, out);
      writeInt(value.length, out);
      out.writeBytes(value);
    }
    out.writeBytes(project);
    return out.toByteArray();
  }

  /** What stands for a feature in the hash. */
  static byte[] field(String view, String feature) {
    byte[] name = (view + ":" + feature).getBytes(StandardCharsets.UTF_8);
    return littleEndian(4).putInt(MurmurHash3.hash32x86(name, 0, name.length, 0)).array();
  }

  private static byte[] value(KeyType type, String text) {
    return switch (type) {
      case STRING -> text.getBytes(StandardCharsets.UTF_8);
      case INT32 -> littleEndian(4).putInt(Integer.parseInt(text)).array();
      case INT64 -> littleEndian(8).putLong(Long.parseLong(text)).array();
    };
  }

  private static List<String> split(String joined) {
    List<String> values = new ArrayList<>();
    StringBuilder value = new StringBuilder();
    for (int i = 0; i < joined.length(); i++) {
      char c = joined.charAt(i);
      if (c == '~') {
        values.add(value.toString());
        value.setLength(0);
      } else if (c == '%' && i + 2 < joined.length()) {
        value.append((char) Integer.parseInt(joined, i + 1, i + 3, 16));
        i += 2;
      } else {
        value.append(c);
      }
    }
    values.add(value.toString());
    return values;
  }

  private static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static void writeInt(int value, ByteArrayOutputStream out) {
    out.writeBytes(littleEndian(4).putInt(value).array());
  }
}
