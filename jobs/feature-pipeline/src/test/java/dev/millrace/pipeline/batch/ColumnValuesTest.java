package dev.millrace.pipeline.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.streaming.SourcePlan;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ColumnValuesTest {

  private static final String MILLIS =
      "{\"type\": \"long\", \"logicalType\": \"timestamp-millis\"}";
  private static final String MICROS =
      "{\"type\": \"long\", \"logicalType\": \"timestamp-micros\"}";
  private static final String DATE = "{\"type\": \"int\", \"logicalType\": \"date\"}";
  private static final String ENUM =
      "{\"type\": \"enum\", \"name\": \"Kind\", \"symbols\": [\"A\", \"B\"]}";

  @Test
  void timesBecomeTheNumbersOfTheirField() throws Exception {
    Type zoned = Types.TimestampType.withZone();
    OffsetDateTime time = OffsetDateTime.parse("2026-03-01T01:00:00.123456+01:00");
    assertThat(value(MILLIS, zoned, time)).isEqualTo(1772323200123L);
    assertThat(value(MICROS, zoned, time)).isEqualTo(1772323200123456L);
    assertThat(
            value(
                MILLIS,
                Types.TimestampType.withoutZone(),
                LocalDateTime.parse("2026-03-01T00:00:00")))
        .isEqualTo(1772323200000L);
    assertThat(value(MILLIS, Types.DateType.get(), LocalDate.parse("2026-03-01")))
        .isEqualTo(1772323200000L);
    assertThat(value(DATE, Types.DateType.get(), LocalDate.parse("1970-01-03"))).isEqualTo(2);
    assertThat(value(MILLIS, Types.LongType.get(), 1772323200000L)).isEqualTo(1772323200000L);
  }

  @Test
  void numbersFitWhereNothingIsLost() throws Exception {
    assertThat(value("\"long\"", Types.IntegerType.get(), 7)).isEqualTo(7L);
    assertThat(value("\"int\"", Types.LongType.get(), 7L)).isEqualTo(7);
    assertThat(value("\"double\"", Types.FloatType.get(), 0.5f)).isEqualTo(0.5);
    assertThat(value("\"double\"", Types.DecimalType.of(9, 2), new BigDecimal("1.25")))
        .isEqualTo(1.25);
    assertThat(value("\"long\"", Types.DecimalType.of(9, 2), new BigDecimal("3.00"))).isEqualTo(3L);
    unfit("\"int\"", Types.LongType.get(), 1L << 40);
    unfit("\"long\"", Types.DecimalType.of(9, 2), new BigDecimal("3.50"));
    unfit("\"long\"", Types.DecimalType.of(38, 0), new BigDecimal("1e30"));
  }

  @Test
  void textsEnumsAndBytes() throws Exception {
    assertThat(value("\"string\"", Types.StringType.get(), "İ")).isEqualTo("İ");
    assertThat(value(ENUM, Types.StringType.get(), "B")).isEqualTo("B");
    assertThat((byte[]) value("\"bytes\"", Types.BinaryType.get(), ByteBuffer.wrap(new byte[] {1})))
        .containsExactly(1);
    unfit(ENUM, Types.StringType.get(), "C");
    unfit("\"string\"", Types.LongType.get(), 5L);
    unfit("\"boolean\"", Types.StringType.get(), "true");
  }

  @Test
  void nullFitsWhereTheSchemaSaysSo() throws Exception {
    assertThat(value("[\"null\", \"long\"]", Types.LongType.get(), null)).isNull();
    assertThatThrownBy(() -> value("\"long\"", Types.LongType.get(), null)).hasMessage("x is null");
  }

  @Test
  void aColumnThatIsNotThereTakesTheDefault() throws Exception {
    ColumnValues columns = columns("\"long\", \"default\": 9");
    assertThat(columns.present(List.of("other"))).isEmpty();
    org.apache.iceberg.Schema none = new org.apache.iceberg.Schema();
    columns.of(none);
    assertThat(columns.values(GenericRecord.create(none))).containsExactly(9L);
    assertThatThrownBy(() -> columns("\"long\"").present(List.of("other")))
        .hasMessage("it has no column x, and the schema has no default for it");
  }

  private static void unfit(String field, Type column, Object value) {
    assertThatThrownBy(() -> value(field, column, value))
        .isInstanceOf(ColumnValues.UnfitException.class)
        .hasMessageStartingWith("x is ");
  }

  private static @Nullable Object value(String field, Type column, @Nullable Object value)
      throws Exception {
    ColumnValues columns = columns(field);
    org.apache.iceberg.Schema schema =
        new org.apache.iceberg.Schema(Types.NestedField.optional(1, "x", column));
    assertThat(columns.present(List.of("x", "other"))).containsExactly("x");
    columns.of(schema);
    GenericRecord record = GenericRecord.create(schema);
    record.set(0, value);
    return columns.values(record)[0];
  }

  private static ColumnValues columns(String field) {
    Schema schema =
        new Schema.Parser()
            .parse(
                "{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"x\", \"type\": "
                    + field
                    + "}]}");
    return new ColumnValues(
        new SourcePlan("s", "s", false, schema, 0, 0, 0, 0, List.of(), List.of(), "test"));
  }
}
