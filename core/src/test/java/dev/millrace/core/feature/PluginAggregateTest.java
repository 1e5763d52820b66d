package dev.millrace.core.feature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.FeatureView.Accuracy;
import dev.millrace.core.plugin.GivenProviders;
import dev.millrace.core.plugin.PluginException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PluginAggregateTest {

  private static final Feature.Plugin LOG_SUM = new Feature.Plugin("log_sum", 1);
  private static final Feature.Plugin FAULT = new Feature.Plugin("on_demand_fault", 1);

  private static final Schema SCHEMA =
      SchemaBuilder.record("r")
          .fields()
          .requiredString("k")
          .requiredDouble("x")
          .requiredString("s")
          .endRecord();

  private static void add(Accumulator accumulator, double... values) {
    for (double value : values) {
      accumulator.add(RawEvent.number(1, 0, 0, value));
    }
  }

  private static Object value(Accumulator accumulator) {
    return Objects.requireNonNull(((PluginAggregate<?>) accumulator).result(10, 10));
  }

  @Test
  void itsBytesAreItsOwn() {
    Accumulator sum = PluginAggregate.of(LOG_SUM, 0, true);
    add(sum, Math.E, Double.NaN, 1, Math.E);

    Accumulator read = Written.again(sum);

    assertThat(value(read)).isEqualTo(value(sum)).isEqualTo(2.0);
    add(read, Math.E);
    assertThat(value(read)).isEqualTo(3.0);
    assertThat(value(Written.again(read))).isEqualTo(3.0);
    assertThat(value(sum)).isEqualTo(2.0);
    assertThat(Written.bytes(PluginAggregate.of(LOG_SUM, 0, true))).hasSizeLessThan(20);
  }

  @Test
  void aCopyAndAPartStayAsTheyAre() {
    Accumulator sum = PluginAggregate.of(LOG_SUM, 0, true);
    add(sum, Math.E);
    Accumulator copy = sum.copy();
    Accumulator merged = PluginAggregate.of(LOG_SUM, 0, true);
    merged.merge(sum);
    merged.merge(PluginAggregate.of(LOG_SUM, 0, true));
    merged.merge(Written.again(copy));
    add(sum, Math.E);

    assertThat(List.of(value(copy), value(merged), value(sum))).containsExactly(1.0, 2.0, 2.0);
  }

  @Test
  void withItsLastValueEverythingGoes() {
    Accumulator sum = PluginAggregate.of(LOG_SUM, 0, true);
    byte[] empty = Written.bytes(sum);
    add(sum, 5, 7);
    sum.remove(RawEvent.number(1, 0, 0, 5));
    assertThat(sum.isEmpty()).isFalse();
    sum.remove(RawEvent.number(1, 0, 0, 7));

    assertThat(sum.isEmpty()).isTrue();
    assertThat(((PluginAggregate<?>) sum).result(10, 10)).isNull();
    assertThat(Written.bytes(sum)).isEqualTo(empty);
  }

  @Test
  void whatItThrowsSaysWhoThrewIt() {
    Accumulator count = PluginAggregate.of(FAULT, 0, false);

    assertThatThrownBy(
            () -> count.add(RawEvent.object(1, 0, 0, GivenProviders.OnDemandFault.FATAL)))
        .isInstanceOf(PluginException.class)
        .hasMessageContaining("Cannot add the value fatal with function on_demand_fault version 1")
        .hasMessageContaining("OnDemandFault")
        .hasMessageContaining("no such value")
        .hasMessageContaining("give it a higher version");
  }

  @Test
  void stateOfAnotherVersionIsNotRead() {
    byte[] bytes = Written.bytes(PluginAggregate.of(LOG_SUM, 0, true));
    bytes[1 + 1 + "log_sum".length()]++;

    assertThatThrownBy(() -> Written.read(bytes))
        .isInstanceOf(PluginException.class)
        .hasMessageContaining("Cannot find function log_sum version 2")
        .hasMessageContaining("is version 1");
  }

  /** To a task, which finds the function by its name and version. */
  @ParameterizedTest
  @EnumSource(Accuracy.class)
  void aPlanTravels(Accuracy accuracy) throws Exception {
    FeatureView view =
        AllFeatures.view(accuracy, List.of(plugin("log_sum", "x", ValueType.DOUBLE)));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(ViewPlan.of(view));
    }
    EntityRows rows;
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      rows = new EntityRows((ViewPlan) in.readObject());
    }

    EntityState state = rows.newState();
    Arrival event = new Arrival(1, 0, 0, new Object[] {Math.E}, 1);
    assertThat(Objects.requireNonNull(rows.accept(state, "k", event, 1, new HeapStore())).values())
        .containsExactly(1.0);
  }

  @ParameterizedTest
  @EnumSource(Accuracy.class)
  void explainKnowsTheirCostAndTheirBound(Accuracy accuracy) {
    List<Feature> features =
        List.of(
            plugin("log_sum", "x", ValueType.DOUBLE),
            plugin("on_demand_fault", "s", ValueType.LONG));
    FeatureView view = AllFeatures.view(accuracy, features);

    ViewCost cost = ViewCost.of(view, Duration.ZERO, SupposedLoad.of(view, SCHEMA, 240, 1));

    assertThat(cost.state().mean()).isGreaterThan(30);
    assertThat(cost.steps()).isGreaterThanOrEqualTo(3);
    assertThat(ErrorBounds.of(view).sketches())
        .containsExactly(
            new ErrorBounds.OfSketch(
                "on_demand_fault", "at most 3 % too high (as the plugin states)"));
  }

  private static Feature plugin(String name, String column, ValueType type) {
    return new Feature(
        name,
        Function.PLUGIN,
        column,
        Duration.ofHours(1),
        type,
        Feature.Options.NONE,
        new Feature.Plugin(name, 1));
  }
}
