package dev.millrace.core.expression;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TimeZone;
import java.util.function.Function;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExpressionTest {

  private static final Schema RECORD =
      new Schema.Parser()
          .parse(
              """
              {"type": "record", "name": "Event", "fields": [
                {"name": "distance", "type": "int"},
                {"name": "delay", "type": ["null", "double"]},
                {"name": "fare", "type": ["double", "null"]},
                {"name": "cancelled", "type": ["null", "boolean"]},
                {"name": "origin", "type": "string"},
                {"name": "departed_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
                {"name": "seen_at", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]},
                {"name": "day", "type": {"type": "int", "logicalType": "date"}},
                {"name": "duration", "type": "float"},
                {"name": "vector", "type": ["null", {"type": "array", "items": "double"}]},
                {"name": "carrier", "type": {"type": "enum", "name": "Carrier", "symbols": ["AA", "UA"]}},
                {"name": "seats", "type": {"type": "map", "values": "int"}},
                {"name": "raw", "type": "bytes"},
                {"name": "inner", "type": {"type": "record", "name": "Inner", "fields": []}},
                {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9}}
              ]}
              """);

  private static final long DEPARTED_MILLIS = Instant.parse("2001-01-01T05:07:00Z").toEpochMilli();

  private static @Nullable Object[] event() {
    return new @Nullable Object[] {
      350,
      16.0,
      99.5,
      false,
      "IST",
      DEPARTED_MILLIS,
      DEPARTED_MILLIS * 1000 + 7,
      11_323,
      2.5f,
      List.of(1.0, 2.0),
      "AA",
      Map.of("first", 12),
      new byte[] {1, 2},
      null,
      null
    };
  }

  private static @Nullable Object[] eventWithout(String... fields) {
    @Nullable Object[] event = event();
    for (String field : fields) {
      event[RECORD.getField(field).pos()] = null;
    }
    return event;
  }

  private static @Nullable Object any(String text, @Nullable Object[] event) {
    return Expression.compile(text, RECORD, Expression.Type.ANY, Map.of()).evaluate(event);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "!cancelled|true",
        "delay > 15 ? 1.0 : 0.0|1.0",
        "delay == 16|true",
        "16 == delay|true",
        "delay != 16|false",
        "delay in [15, 16]|true",
        "distance in [350.0]|true",
        "distance >= 350.0|true",
        "delay - 1.0 == distance|false",
        "origin.substring(0,1)|I",
        "origin.lowerAscii()|ist",
        "origin.matches('^I.T$')|true",
        "double(distance)|350.0",
        "double(distance) * 2.0|700.0",
        "distance / 100|3",
        "departed_at.getHours('UTC')|5",
        "departed_at.getHours()|5",
        "departed_at.getHours('Europe/Istanbul')|7",
        "departed_at.getDayOfWeek('UTC')|1",
        "seen_at > departed_at|true",
        "day.getFullYear('UTC')|2001",
        "day.getDayOfYear('UTC')|0",
        "duration * 2.0|5.0",
        "duration('1h') > duration('59m')|true",
        "vector[1]|2.0",
        "vector.size()|2",
        "carrier == 'AA'|true",
        "seats['first']|12",
        "seats.first + distance|362",
        "size(raw)|2",
        "math.greatest(delay, fare)|99.5",
        "math.sqrt(delay)|4.0",
        "[1, 2, 3].exists(distance, distance == 2)|true",
        "departed_at|978325620000",
        "departed_at - timestamp('2001-01-01T00:00:00Z')|18420000",
      })
  void givesWhatCelSays(String text, String expected) {
    assertThat(any(text, event())).hasToString(expected);
  }

  @Test
  void testsRunWhereTimeZoneAndLocaleWouldShow() {
    assertThat(TimeZone.getDefault().getID()).isEqualTo("America/Bahia_Banderas");
    assertThat(Locale.getDefault().getLanguage()).isEqualTo("tr");
  }

  @Test
  void aNullThatIsUsedMakesTheResultNull() {
    assertThat(any("delay > 15.0", eventWithout("delay"))).isNull();
    assertThat(any("distance > 1 || delay > 15.0", eventWithout("delay"))).isNull();
    assertThat(any("!cancelled", eventWithout("cancelled"))).isNull();
    assertThat(any("vector.size()", eventWithout("vector"))).isNull();
    assertThat(any("distance > 1", eventWithout("delay", "cancelled"))).isEqualTo(true);
  }

  @Test
  void anExpressionThatAsksForNullDecidesItself() {
    assertThat(any("fare != null", eventWithout("fare"))).isEqualTo(false);
    assertThat(any("null == fare", eventWithout("fare"))).isEqualTo(true);
    assertThat(any("fare != null && fare > 10", eventWithout("fare"))).isEqualTo(false);
    assertThat(any("fare != null && fare > 10", event())).isEqualTo(true);
    assertThat(any("fare == null ? -1.0 : fare", eventWithout("fare"))).isEqualTo(-1.0);
    assertThat(any("vector == null", eventWithout("vector"))).isEqualTo(true);
    assertThat(any("vector != null && vector.size() == 2", event())).isEqualTo(true);
    assertThat(any("seen_at == null || seen_at.getHours() > 3", eventWithout("seen_at")))
        .isEqualTo(true);
    assertThat(any("cancelled != null && cancelled", eventWithout("cancelled"))).isEqualTo(false);
  }

  @Test
  void askingForOneFieldDoesNotExcuseAnother() {
    assertThat(any("fare == null || delay > 15.0", eventWithout("fare", "delay"))).isNull();
  }

  @Test
  void aNullThatSlipsThroughAnOwnQuestionIsNull() {
    assertThat(any("fare > 10.0 || fare == null && distance < 0", eventWithout("fare"))).isNull();
    assertThat(any("fare == null ? fare : 1.0", eventWithout("fare"))).isNull();
  }

  @Test
  void numbersAreConvertedWhereNumbersAreWanted() {
    Expression hour =
        Expression.compile("departed_at.getHours('UTC')", RECORD, Expression.Type.DOUBLE, Map.of());
    assertThat(hour.evaluate(event())).isEqualTo(5.0);
    assertThat(hour.type()).isEqualTo(Expression.Type.DOUBLE);
    Expression flag = Expression.compile("!cancelled", RECORD, Expression.Type.INPUT, Map.of());
    assertThat(flag.evaluate(event())).isEqualTo(1.0);
    Expression vector =
        Expression.compile("[1, distance]", RECORD, Expression.Type.INPUT, Map.of());
    assertThat(vector.type()).isEqualTo(Expression.Type.VECTOR);
    assertThat(vector.evaluate(event())).isEqualTo(List.of(1.0, 350.0));
    assertThat(
            Expression.compile("vector", RECORD, Expression.Type.INPUT, Map.of()).evaluate(event()))
        .isEqualTo(List.of(1.0, 2.0));
  }

  @Test
  void extrasStandBesideFieldsAndBeforeThem() {
    Expression decision =
        Expression.compile(
            "score >= 0.5 && distance > 0",
            RECORD,
            Expression.Type.BOOLEAN,
            Map.of("score", Expression.Type.DOUBLE));
    assertThat(decision.evaluate(event(), Map.of("score", 0.5))).isEqualTo(true);
    assertThat(decision.evaluate(event(), Map.of("score", 0.4f))).isEqualTo(false);
    assertThat(decision.fields()).containsExactly("distance");
    Expression gate =
        Expression.compile(
            "delta.auc.low >= -0.005",
            RECORD,
            Expression.Type.BOOLEAN,
            Map.of("delta", Expression.Type.ANY));
    assertThat(gate.evaluate(event(), Map.of("delta", Map.of("auc", Map.of("low", 0.01)))))
        .isEqualTo(true);
    Expression hidden =
        Expression.compile(
            "distance * 2.0",
            RECORD,
            Expression.Type.DOUBLE,
            Map.of("distance", Expression.Type.DOUBLE));
    assertThat(hidden.evaluate(event(), Map.of("distance", 3.5))).isEqualTo(7.0);
    assertThat(hidden.fields()).isEmpty();
  }

  @Test
  void knowsTheFieldsItUses() {
    assertThat(
            Expression.compile(
                    "delay > 15 && origin in ['JFK'] || fare == null && [1].all(carrier, carrier > 0)",
                    RECORD,
                    Expression.Type.BOOLEAN,
                    Map.of())
                .fields())
        .containsExactly("delay", "origin", "fare");
  }

  @Test
  void whatCannotBeComputedIsSaid() {
    assertFails("distance / 0", "division by zero");
    assertFails("origin.substring(0, 9)", "out of bounds");
    assertFails("vector[7]", "Index out of bounds");
    assertFails("seats['last']", "not present");
    assertFails("9223372036854775807 + distance", "overflow");
    assertThatThrownBy(
            () ->
                Expression.compile("dyn(origin)", RECORD, Expression.Type.BOOLEAN, Map.of())
                    .evaluate(event()))
        .isInstanceOf(ExpressionException.class)
        .hasMessage(
            "Cannot compute expression dyn(origin): it gave IST where true or false is needed");
  }

  @Test
  void aBareNumberIsWhatItsExpressionGives() {
    for (String field : List.of("delay", "distance", "duration", "departed_at", "cancelled")) {
      for (@Nullable Object[] values : List.of(event(), eventWithout("delay"))) {
        Object bare = any(field, values);
        // The same, computed.
        assertThat(bare).isEqualTo(any("[" + field + "][0]", values));
      }
    }
    for (String field : List.of("delay", "distance", "duration")) {
      Expression bare =
          Expression.compile("double(" + field + ")", RECORD, Expression.Type.INPUT, Map.of());
      Expression computed =
          Expression.compile(
              "double(" + field + ") + 0.0", RECORD, Expression.Type.INPUT, Map.of());
      assertThat(bare.evaluate(event())).isInstanceOf(Double.class);
      assertThat(bare.evaluate(event())).isEqualTo(computed.evaluate(event()));
      assertThat(bare.evaluate(eventWithout(field))).isNull();
    }
  }

  private static void assertFails(String text, String reason) {
    assertThatThrownBy(() -> any(text, event()))
        .isInstanceOf(ExpressionException.class)
        .hasMessageStartingWith("Cannot compute expression " + text + ": ")
        .hasMessageContaining(reason);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "distanc > 0|there is no field distanc at column 1|did you mean distance?",
        "1 < delai|there is no field delai at column 5|did you mean delay?",
        "delay * 2 > 3|* cannot be applied to (double, int) at column 7|arithmetic does not mix: write"
            + " 2.0 rather than 2, or double(x)",
        "origin.size|does not support field selection at column 7|",
        "origin.foo() == 'a'|there is no function foo at column 11|",
        "delay >|mismatched input '<EOF>'|write it as a CEL expression",
        "distance|it gives a whole number where true or false is needed|compare it, as in x > 0",
        "inner == null|field inner is|use a field of a plain type, or flatten it in the producer",
        "price > 1|field price is|use a field of a plain type, or flatten it in the producer",
        "departed_at.getHours('Mars/Base') > 1|Mars/Base|name a zone such as 'UTC' or 'Europe/Paris'",
        "origin.matches('[a')|missing closing ]|correct the pattern",
        "origin == 5|== cannot be applied to (string, int) at column 8|convert one side, as in"
            + " double(x) or string(x)",
      })
  void whatIsWrongIsSaidForItsAuthor(String text, String reason, @Nullable String repair) {
    assertThatThrownBy(() -> Expression.compile(text, RECORD, Expression.Type.BOOLEAN, Map.of()))
        .isInstanceOfSatisfying(
            ExpressionException.class,
            e -> {
              assertThat(e.reason()).contains(reason);
              if (repair != null) {
                assertThat(e.repair()).isEqualTo(repair);
              }
              assertThat(e).hasMessageStartingWith("Cannot compile expression " + text + ": ");
            });
  }

  /** The same rules once more, in Java, over random events. */
  @Test
  void agreesWithJavaOnRandomEvents() {
    Random random = new Random(20010101);
    Map<String, Function<@Nullable Object[], @Nullable Object>> oracle =
        Map.of(
            "!cancelled && delay > 15",
            e -> (e[1] == null || e[3] == null) ? null : !(Boolean) e[3] && (Double) e[1] > 15,
            "delay > 15 ? 1.0 : 0.0",
            e -> e[1] == null ? null : (Double) e[1] > 15 ? 1.0 : 0.0,
            "delay == distance",
            e -> e[1] == null ? null : (Double) e[1] == ((Integer) e[0]).doubleValue(),
            "fare == null ? double(distance) : fare + 1.0",
            e -> e[2] == null ? ((Integer) e[0]).doubleValue() : (Double) e[2] + 1.0,
            "departed_at.getHours('UTC') * 60 + departed_at.getMinutes('UTC')",
            e -> {
              var time = Instant.ofEpochMilli((Long) e[5]).atOffset(ZoneOffset.UTC);
              return time.getHour() * 60L + time.getMinute();
            });
    oracle.forEach(
        (text, expected) -> {
          Expression expression = Expression.compile(text, RECORD, Expression.Type.ANY, Map.of());
          for (int i = 0; i < 2000; i++) {
            @Nullable Object[] event = event();
            event[0] = random.nextInt(40) - 10;
            event[1] = random.nextInt(4) == 0 ? null : (double) (random.nextInt(40) - 10);
            event[2] = random.nextInt(4) == 0 ? null : random.nextDouble() * 100;
            event[3] = random.nextInt(4) == 0 ? null : random.nextBoolean();
            event[5] = random.nextLong(-2_000_000_000_000L, 4_000_000_000_000L);
            assertThat(expression.evaluate(event)).isEqualTo(expected.apply(event));
          }
        });
  }
}
