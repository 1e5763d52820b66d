package dev.millrace.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Source;
import dev.millrace.core.feature.Aggregations.Column;
import java.time.Duration;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.flink.util.InstantiationUtil;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class EventColumnsTest {

  private static final Schema SCHEMA =
      new Schema.Parser()
          .parse(
              """
              {"type": "record", "name": "Order", "fields": [
                {"name": "id", "type": "string"},
                {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
                {"name": "amount", "type": ["null", "float"], "default": null},
                {"name": "units", "type": "int"},
                {"name": "flag", "type": ["null", "boolean"], "default": null}]}
              """);

  @Test
  void numbersAreDoublesAndConditionsOneAndZero() throws Exception {
    EventColumns columns =
        columns(
            new Column("amount", null, true),
            new Column("units", null, true),
            new Column(null, "flag && units > 2", true),
            new Column("units", null, false),
            new Column("id", null, false),
            new Column("at", null, false));

    assertThat(of(columns, "a", 5L, 1.5f, 3, true)).containsExactly(1.5, 3.0, 1.0, 3, "a", 5L);
    assertThat(of(columns, "b", 6L, null, 2, true)).containsExactly(null, 2.0, 0.0, 2, "b", 6L);
    assertThat(of(columns, "c", 7L, null, 3, null)).containsExactly(null, 3.0, null, 3, "c", 7L);
  }

  @Test
  void aConditionThatCannotBeComputedHasNoValueAndIsCounted() throws Exception {
    EventColumns columns = columns(new Column(null, "10 / units > 2", true));
    int[] failed = {0};

    assertThat(columns.of(new Object[] {"a", 5L, 1.5f, 0, true}, () -> failed[0]++))
        .containsExactly((Object) null);
    assertThat(columns.of(new Object[] {"a", 5L, 1.5f, 4, true}, () -> failed[0]++))
        .containsExactly(0.0);
    assertThat(failed[0]).isEqualTo(1);
  }

  private static @Nullable Object[] of(EventColumns columns, @Nullable Object... fields) {
    return columns.of(
        fields,
        () -> {
          throw new AssertionError("no condition fails here");
        });
  }

  /** As it comes to the tasks. */
  private static EventColumns columns(Column... columns) throws Exception {
    Source source =
        new Source(
            "orders",
            "orders",
            Source.Kind.KAFKA,
            Source.Format.AVRO,
            SCHEMA,
            "id",
            "at",
            Duration.ZERO,
            Duration.ZERO,
            Duration.ZERO,
            true,
            List.of(),
            null);
    EventColumns travelled = InstantiationUtil.clone(EventColumns.of(source, List.of(columns)));
    travelled.open(SCHEMA);
    return travelled;
  }
}
