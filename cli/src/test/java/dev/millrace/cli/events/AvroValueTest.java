package dev.millrace.cli.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AvroValueTest {
  private static final Schema TIME =
      LogicalTypes.timestampMillis().addToSchema(Schema.create(Schema.Type.LONG));
  private static final Schema LONG = Schema.create(Schema.Type.LONG);
  private static final Schema INT = Schema.create(Schema.Type.INT);
  private static final Schema DOUBLE = Schema.create(Schema.Type.DOUBLE);
  private static final Schema STRING = Schema.create(Schema.Type.STRING);
  private static final Schema MAYBE_STRING = SchemaBuilder.nullable().stringType();

  @ParameterizedTest
  @CsvSource({
    "978307260000, 978307260000",
    "-1, -1",
    "2001-01-01T00:01:00Z, 978307260000",
    "2001-01-01T00:01Z, 978307260000",
    "2001-01-01T00:01:00.5Z, 978307260500",
    "2001-01-01T02:01:00+02:00, 978307260000",
    "2000-12-31T19:01:00-05:00, 978307260000",
    "2001-01-01T00:01:00, 978307260000",
    "2001-01-01 00:01:00, 978307260000",
    "2001-01-01, 978307200000",
  })
  void readsTimes(String text, long millis) throws UnfitValueException {
    assertThat(AvroValue.of(TIME, text)).isEqualTo(millis);
    assertThat(EventTime.parseMillis(text)).isEqualTo(millis);
  }

  @ParameterizedTest
  @ValueSource(strings = {"yesterday", "2001-13-01T00:00:00Z", "2001-01-01T25:00Z", "12:30"})
  void refusesWhatIsNoTime(String text) {
    assertThatThrownBy(() -> AvroValue.of(TIME, text))
        .isInstanceOf(UnfitValueException.class)
        .hasMessageContaining(text);
  }

  @Test
  void convertsTimesToTheFieldsUnit() throws UnfitValueException {
    Schema micros = LogicalTypes.timestampMicros().addToSchema(Schema.create(Schema.Type.LONG));
    Instant instant = Instant.parse("2001-01-01T00:00:00.000001Z");
    assertThat(AvroValue.of(micros, instant)).isEqualTo(978307200000001L);
    assertThat(AvroValue.of(TIME, instant)).isEqualTo(978307200000L);
  }

  @Test
  void readsNumbersAsText() throws UnfitValueException {
    assertThat(AvroValue.of(LONG, "42")).isEqualTo(42L);
    assertThat(AvroValue.of(INT, "33.0")).isEqualTo(33);
    assertThat(AvroValue.of(DOUBLE, "1e3")).isEqualTo(1000.0);
    assertThat(AvroValue.of(DOUBLE, "NaN")).isEqualTo(Double.NaN);
    assertThat(AvroValue.of(DOUBLE, 3)).isEqualTo(3.0);
    assertThat(AvroValue.of(STRING, 7)).isEqualTo("7");
    assertThat(AvroValue.of(Schema.create(Schema.Type.BOOLEAN), "TRUE")).isEqualTo(true);
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertUnfit(INT, "3000000000");
    assertUnfit(INT, "1.5");
    assertUnfit(LONG, "9223372036854775808");
    assertUnfit(LONG, true);
    assertUnfit(DOUBLE, "much");
    assertUnfit(STRING, List.of());
    assertUnfit(Schema.create(Schema.Type.BOOLEAN), "yes");
    assertUnfit(SchemaBuilder.enumeration("Colour").symbols("RED"), "BLUE");
    assertUnfit(SchemaBuilder.fixed("Four").size(4), "AAAA");
  }

  private static void assertUnfit(Schema schema, Object value) {
    assertThatThrownBy(() -> AvroValue.of(schema, value))
        .as("%s as %s", value, schema)
        .isInstanceOf(UnfitValueException.class);
  }

  @Test
  void anEmptyCellIsNullOrEmptyText() throws UnfitValueException {
    assertThat(AvroValue.of(MAYBE_STRING, null)).isNull();
    assertThat(AvroValue.of(STRING, null)).isEqualTo("");
    assertThatThrownBy(() -> AvroValue.of(LONG, null))
        .isInstanceOf(UnfitValueException.class)
        .hasMessage("it is empty, expected long");
  }

  @Test
  void takesTheBranchThatFits() throws UnfitValueException {
    Schema either =
        SchemaBuilder.unionOf().nullType().and().longType().and().stringType().endUnion();
    assertThat(AvroValue.of(either, "12")).isEqualTo(12L);
    assertThat(AvroValue.of(either, "twelve")).isEqualTo("twelve");
  }

  @Test
  void readsNestedValuesFromJsonText() throws UnfitValueException {
    Schema numbers = SchemaBuilder.array().items().doubleType();
    assertThat(AvroValue.of(numbers, "[1, 2.5]")).isEqualTo(Arrays.asList(1.0, 2.5));
    Schema counts = SchemaBuilder.map().values().longType();
    assertThat(AvroValue.of(counts, "{\"a\": 1}")).isEqualTo(Map.of("a", 1L));
    assertUnfit(numbers, "[1");
    assertThat(AvroValue.of(Schema.create(Schema.Type.BYTES), "AQI="))
        .isEqualTo(ByteBuffer.wrap(new byte[] {1, 2}));
  }
}
