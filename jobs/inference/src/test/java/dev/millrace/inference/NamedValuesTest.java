package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.StringData;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class NamedValuesTest {

  @Test
  void itIsTheMapThatPutsOneByOneWouldMake() {
    Random random = new Random(11);
    for (int round = 0; round < 200; round++) {
      int size = random.nextInt(6);
      int from = random.nextInt(3);
      @Nullable Double[] values = new Double[from + size + random.nextInt(3)];
      for (int i = 0; i < values.length; i++) {
        values[i] = random.nextInt(4) == 0 ? null : (Double) random.nextDouble();
      }
      List<String> names = new ArrayList<>();
      Map<String, @Nullable Double> expected = new LinkedHashMap<>();
      for (int i = 0; i < size; i++) {
        names.add("ı" + i);
        expected.put("ı" + i, values[from + i]);
      }
      Map<String, @Nullable Double> map =
          new NamedValues<>(new NamedValues.Names(names), values, from);
      assertThat(map).isEqualTo(expected).hasSameHashCodeAs(expected).hasToString("" + expected);
      assertThat(List.copyOf(map.keySet())).isEqualTo(names);
      Map<String, @Nullable Double> each = new LinkedHashMap<>();
      map.forEach(each::put);
      assertThat(each).isEqualTo(expected);
      names.forEach(name -> assertThat(map.get(name)).isEqualTo(expected.get(name)));
      assertThat(map.containsKey("i0")).isFalse();
      assertThat(map.get("i0")).isNull();
    }
  }

  @Test
  void whatCannotBeNamedIsRefused() {
    NamedValues.Names names = new NamedValues.Names(List.of("a", "b"));
    assertThatThrownBy(() -> new NamedValues<>(names, new Double[] {1.0, 2.0}, 1))
        .hasMessageContaining("Cannot name 2 values from 1 on: there are 2");
    assertThatThrownBy(() -> new NamedValues.Names(List.of("a", "a")))
        .hasMessageContaining("[a, a]");
  }

  @Test
  void aColumnOfMapsTakesOthersToo() {
    TableTexts texts = new TableTexts();
    TableTexts.Maps<@Nullable Double> column = texts.maps(value -> value);
    List<Map<String, Double>> rows =
        List.of(
            Map.of(),
            Map.of("a", 1.0),
            Map.of("a", 2.0),
            Map.of("b", 3.0),
            Map.of(),
            Map.of("b", 4.0, "uçuş", 5.0));
    List<Map<String, @Nullable Double>> read = new ArrayList<>();
    for (Map<String, Double> row : rows) {
      read.add(plain(column.of(new LinkedHashMap<>(row))));
    }
    assertThat(read).isEqualTo(rows);
    assertThat(texts.ofFew("uçuş")).isEqualTo(StringData.fromString("uçuş"));
    assertThat(TableTexts.one("uçuş")).isEqualTo(StringData.fromString("uçuş"));
  }

  private static Map<String, @Nullable Double> plain(MapData data) {
    Map<String, @Nullable Double> map = new LinkedHashMap<>();
    for (int i = 0; i < data.size(); i++) {
      map.put(
          data.keyArray().getString(i).toString(),
          data.valueArray().isNullAt(i) ? null : (Double) data.valueArray().getDouble(i));
    }
    return map;
  }
}
