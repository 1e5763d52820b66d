package dev.millrace.inference;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.StringData;
import org.jspecify.annotations.Nullable;

/**
 * Texts and maps as the columns of a table take them. What is the same in nearly all rows is
 * encoded once: names, and texts of which there are few. For one thread.
 */
final class TableTexts {

  /** Beyond it all are encoded anew: somebody takes for few what are many. */
  private static final int REMEMBERED = 1_000;

  private final Map<String, StringData> few = new HashMap<>();

  /** A text that is another one in each row. */
  static @Nullable StringData one(@Nullable String text) {
    // Encoded here: Flink's own encoder asks a thread local for a buffer, and takes longer.
    return text == null ? null : StringData.fromBytes(text.getBytes(StandardCharsets.UTF_8));
  }

  /** One of few texts. */
  @Nullable StringData ofFew(@Nullable String text) {
    if (text == null) {
      return null;
    }
    StringData known = few.get(text);
    if (known == null) {
      if (few.size() >= REMEMBERED) {
        few.clear();
      }
      known = StringData.fromBytes(text.getBytes(StandardCharsets.UTF_8));
      few.put(text, known);
    }
    return known;
  }

  /** A column of maps with values of one kind. */
  <V extends @Nullable Object> Maps<V> maps(Function<V, @Nullable Object> toData) {
    return new Maps<>(toData);
  }

  /** Maps of one column, of which most have the names of the one before. */
  final class Maps<V extends @Nullable Object> {
    private final Function<V, @Nullable Object> toData;
    private String[] names = {};
    private ArrayData keys = new GenericArrayData(new Object[0]);

    private Maps(Function<V, @Nullable Object> toData) {
      this.toData = toData;
    }

    /** The map in its own order. */
    MapData of(Map<String, V> map) {
      @Nullable Object[] values = new Object[map.size()];
      boolean same = names.length == values.length;
      int place = 0;
      for (Map.Entry<String, V> entry : map.entrySet()) {
        same = same && names[place].equals(entry.getKey());
        values[place++] = toData.apply(entry.getValue());
      }
      if (!same) {
        names = map.keySet().toArray(new String[0]);
        keys = new GenericArrayData(Stream.of(names).map(TableTexts.this::ofFew).toArray());
      }
      return new Arrays(keys, new GenericArrayData(values));
    }
  }

  private record Arrays(ArrayData keyArray, ArrayData valueArray) implements MapData {
    @Override
    public int size() {
      return keyArray.size();
    }
  }
}
