package dev.millrace.core.expression;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.millrace.core.plugin.GivenScalar;
import dev.millrace.core.plugin.Plugins;
import dev.millrace.core.plugin.ScalarProvider;
import dev.millrace.core.plugin.ScalarType;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Functions of users in expressions. */
class UserFunctionsTest {

  private static final Schema RECORD =
      new Schema.Parser()
          .parse(
              """
              {"type": "record", "name": "Event", "fields": [
                {"name": "count", "type": "int"},
                {"name": "amount", "type": ["null", "double"]},
                {"name": "shop", "type": "string"},
                {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}}]}
              """);

  private static final ScalarProvider SHARE =
      GivenScalar.of(
          "share",
          List.of(ScalarType.DOUBLE, ScalarType.LONG),
          ScalarType.DOUBLE,
          a -> (double) a.get(0) / (long) a.get(1));
  private static final ScalarProvider EVEN =
      GivenScalar.of(
          "even", List.of(ScalarType.LONG), ScalarType.BOOLEAN, a -> (long) a.get(0) % 2 == 0);
  private static final ScalarProvider TWICE =
      GivenScalar.of(
          "twice", List.of(ScalarType.STRING), ScalarType.STRING, a -> a.get(0) + "" + a.get(0));
  private static final ScalarProvider NEXT_DAY =
      GivenScalar.of(
          "next_day", List.of(ScalarType.TIME), ScalarType.TIME, a -> (long) a.get(0) + 86_400_000);
  private static final ScalarProvider SEVEN =
      GivenScalar.of("seven", List.of(), ScalarType.LONG, a -> 7L);
  private static final ScalarProvider ROOT =
      GivenScalar.of(
          "root",
          List.of(ScalarType.DOUBLE),
          ScalarType.DOUBLE,
          a -> {
            if ((double) a.get(0) < 0) {
              throw new IllegalStateException("below zero");
            }
            return (double) a.get(0) == 0 ? null : Math.sqrt((double) a.get(0));
          });
  private static final Plugins ALL = GivenScalar.plugins(SHARE, EVEN, TWICE, NEXT_DAY, SEVEN, ROOT);

  private static Expression compile(String text, Expression.Type type, Plugins plugins) {
    return Expression.compile(text, RECORD, type, Map.of(), plugins);
  }

  private static @Nullable Object value(String text, @Nullable Double amount) {
    return compile(text, Expression.Type.ANY, ALL)
        .evaluate(new @Nullable Object[] {4, amount, "a", 1_000L});
  }

  private static ExpressionException refused(String text, Plugins plugins) {
    ExpressionException e =
        catchThrowableOfType(
            ExpressionException.class, () -> compile(text, Expression.Type.ANY, plugins));
    assertThat(e).as(text).isNotNull();
    return e;
  }

  @Test
  void theyTakeAndGiveEveryType() {
    assertThat(value("share(amount, count)", 10.0)).isEqualTo(2.5);
    assertThat(value("even(count) ? 1 : 0", 1.0)).isEqualTo(1L);
    assertThat(value("twice(shop) + twice('b')", 1.0)).isEqualTo("aabb");
    assertThat(value("next_day(at)", 1.0)).isEqualTo(86_401_000L);
    assertThat(value("next_day(at) > at", 1.0)).isEqualTo(true);
    assertThat(value("seven() + count", 1.0)).isEqualTo(11L);
    assertThat(value("[1.0, 16.0].map(x, root(x))", 1.0)).isEqualTo(List.of(1.0, 4.0));
    assertThat(compile("share(1.0, 2)", Expression.Type.INPUT, ALL).type())
        .isEqualTo(Expression.Type.DOUBLE);
  }

  @Test
  void nullArgumentsGiveNull() {
    assertThat(value("share(amount, count)", null)).isNull();
    assertThat(value("amount == null ? 0.0 : root(amount)", null)).isEqualTo(0.0);
    assertThat(value("amount != null || root(amount) > 1.0", null)).isNull();
  }

  @Test
  void whatGoesWrongIsTheEventsFault() {
    assertThatThrownBy(() -> value("root(amount)", -1.0))
        .isInstanceOf(ExpressionException.class)
        .hasMessageContaining("function root version 1 of ")
        .hasMessageContaining("below zero");
    assertThatThrownBy(() -> value("root(amount)", 0.0))
        .isInstanceOf(ExpressionException.class)
        .hasMessageContaining("has no value for [0.0]");
    // As of CEL's own errors: one side decides.
    assertThat(value("count > 1 || root(amount) > 1.0", -1.0)).isEqualTo(true);
  }

  @Test
  void whatTheyDoNotTakeIsAMistake() {
    assertThat(refused("share(count, amount)", ALL).reason())
        .startsWith("share cannot be applied to (int, double)");
    assertThat(refused("seven(1)", ALL).reason()).startsWith("seven cannot be applied to (int)");
    assertThat(refused("shop.twice()", ALL).reason()).contains("twice");
    ExpressionException unknown = refused("evn(count)", ALL);
    assertThat(unknown.reason()).startsWith("there is no function evn");
    assertThat(unknown.repair())
        .startsWith(
            "use a function of CEL or of its strings and math extensions, or one of your own")
        .contains("found: even, next_day, root, seven, share, twice")
        .contains("MILLRACE_PLUGINS");
  }

  @Test
  void namesOfCelAreNotGivenAway() {
    for (String name :
        List.of("size", "has", "exists", "double", "in", "true", "null", "matches")) {
      ScalarProvider taken =
          GivenScalar.of(name, List.of(ScalarType.STRING), ScalarType.LONG, a -> 1L);
      Plugins plugins = GivenScalar.plugins(taken);
      assertThat(compile("count > 1", Expression.Type.BOOLEAN, plugins).type())
          .isEqualTo(Expression.Type.BOOLEAN);
      if (name.equals("size")) {
        assertThat(refused("size(shop)", plugins).reason())
            .startsWith("size is CEL's own, and ")
            .contains("GivenScalar");
      }
    }
  }

  @Test
  void brokenOnesAreRefused() {
    AtomicLong calls = new AtomicLong();
    ScalarProvider counting =
        GivenScalar.of("counting", List.of(), ScalarType.LONG, a -> calls.incrementAndGet());
    assertThat(refused("counting() > 1", GivenScalar.plugins(counting)).reason())
        .contains("is broken: it has two values for []: 1 and 7");
    ScalarProvider untrue =
        GivenScalar.of("untrue", List.of(ScalarType.TIME), ScalarType.LONG, a -> 1.0);
    assertThat(refused("untrue(at) > 1", GivenScalar.plugins(untrue)).reason())
        .contains(
            "is broken: it is stated to give LONG, a Long, and gave the java.lang.Double 1.0");
    Plugins two =
        GivenScalar.plugins(
            SEVEN, new GivenScalar("seven", 2, List.of(), ScalarType.LONG, a -> 7L));
    assertThat(refused("seven() > 1", two).reason())
        .startsWith("function seven cannot be had: both ");
  }

  @Test
  void anExpressionSaysWhatItCalls() {
    assertThat(Expression.functions("even(count) && [seven()].exists(x, even(x))", ALL))
        .isEqualTo(Map.of("even", 1, "seven", 1));
    assertThat(Expression.functions("size(shop) > 1 && shop.contains('even(')", ALL)).isEmpty();
    assertThat(Expression.functions("even(", ALL)).isEmpty();
  }
}
