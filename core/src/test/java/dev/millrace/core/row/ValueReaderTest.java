package dev.millrace.core.row;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.definition.Feature.ValueType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ValueReaderTest {

  private static final ValueType DOUBLES = ValueType.listOf(ValueType.DOUBLE);
  private static final ValueType TEXTS = ValueType.listOf(ValueType.STRING);

  @Test
  void listsAndMapsAreJson() {
    assertThat(ValueText.of(List.of(1.0, 2.5, 1e-7, -0.0))).isEqualTo("[1,2.5,0.0000001,-0]");
    assertThat(ValueText.of(List.of(3L, Long.MIN_VALUE))).isEqualTo("[3,-9223372036854775808]");
    assertThat(ValueText.of(List.of())).isEqualTo("[]");
    assertThat(ValueText.of(Map.of())).isEqualTo("{}");
    assertThat(ValueText.of(List.of("a\"b\\", "\n\u0001", "İıŞ 😀", "")))
        .isEqualTo("[\"a\\\"b\\\\\",\"\\n\\u0001\",\"İıŞ 😀\",\"\"]");
    assertThat(ValueText.of(Map.of("b", List.of(true, false), "a", List.of(), "", List.of())))
        .isEqualTo("{\"\":[],\"a\":[],\"b\":[true,false]}");
    assertThat(ValueText.of(List.of(Double.POSITIVE_INFINITY))).isEqualTo("[\"Infinity\"]");
  }

  @Test
  void whatIsWrittenIsReadBackToTheSameBits() {
    Random random = new Random(11);
    List<ValueType> types =
        List.of(
            ValueType.LONG,
            ValueType.DOUBLE,
            ValueType.STRING,
            ValueType.BOOLEAN,
            TEXTS,
            DOUBLES,
            ValueType.mapOf(ValueType.LONG),
            ValueType.mapOf(TEXTS),
            ValueType.mapOf(ValueType.mapOf(ValueType.DOUBLE)));
    for (int i = 0; i < 20_000; i++) {
      ValueType type = types.get(i % types.size());
      Object value = value(random, type);
      String text = ValueText.of(value);

      assertThat(ValueReader.read(text, type)).as(text).isEqualTo(value);
    }
  }

  @Test
  void isJsonThatOthersRead() throws Exception {
    Random random = new Random(12);
    JsonMapper json = new JsonMapper();
    for (int i = 0; i < 2_000; i++) {
      Object value = value(random, ValueType.mapOf(TEXTS));

      Object read = json.readValue(ValueText.of(value), Object.class);
      assertThat(read).isEqualTo(value);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "[", "{}", "[true]", "[1] 2", "[1,]", "[null]", "[[1]]", "x", "NaN"})
  void whatIsNoListOfNumbersIsRefused(String text) {
    assertThatThrownBy(() -> ValueReader.read(text, DOUBLES))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static Object value(Random random, ValueType type) {
    switch (type.kind()) {
      case LONG:
        return random.nextLong() >> random.nextInt(64);
      case DOUBLE:
        double number = Double.longBitsToDouble(random.nextLong());
        return random.nextBoolean() ? (double) random.nextInt(9) : number;
      case STRING:
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(6); i > 0; i--) {
          int character = random.nextInt(3) == 0 ? random.nextInt(0x110000) : random.nextInt(128);
          if (Character.getType(character) != Character.SURROGATE) {
            text.appendCodePoint(character);
          }
        }
        return text.toString();
      case BOOLEAN:
        return random.nextBoolean();
      case LIST:
        List<Object> list = new ArrayList<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          list.add(value(random, type.elementType()));
        }
        return list;
      case MAP:
        Map<String, Object> map = new TreeMap<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          map.put((String) value(random, ValueType.STRING), value(random, type.elementType()));
        }
        return map;
    }
    throw new AssertionError(type);
  }
}
