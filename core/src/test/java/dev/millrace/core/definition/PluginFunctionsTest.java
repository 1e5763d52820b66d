package dev.millrace.core.definition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.plugin.AggregationProvider;
import dev.millrace.core.plugin.GivenProviders;
import dev.millrace.core.plugin.GivenScalar;
import dev.millrace.core.plugin.Plugins;
import dev.millrace.core.plugin.ScalarType;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Functions of users in definitions. */
class PluginFunctionsTest {

  private static Map<String, String> files(String aggregation) {
    return Projects.small("{function: count, windows: [10d]}", "{" + aggregation + "}");
  }

  private static List<String> mistakes(String aggregation, Plugins plugins) {
    DefinitionException e =
        catchThrowableOfType(
            DefinitionException.class, () -> Definitions.read(files(aggregation), plugins));
    assertThat(e).as(aggregation).isNotNull();
    return e.mistakes().stream()
        .map(m -> m.path() + ": " + m.reason() + "; " + m.repair())
        .toList();
  }

  private static List<String> mistakes(String aggregation) {
    return mistakes(aggregation, Plugins.installed());
  }

  private static Plugins only(AggregationProvider<?> provider) {
    return Plugins.of(List.<AggregationProvider<?>>of(provider));
  }

  /** A function of another name or version. */
  private static final class Renamed extends GivenProviders.Counting {
    private final String name;
    private final int version;

    Renamed(String name, int version) {
      this.name = name;
      this.version = version;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public int version() {
      return version;
    }
  }

  @Test
  void theyAreReadLikeAnyOther() {
    FeatureView view =
        Definitions.read(files("function: log_sum, column: amount, windows: [1h, 2h]"))
            .featureViews()
            .get(0);

    assertThat(view.features())
        .extracting(Feature::name)
        .containsExactly("amount_log_sum_1h", "amount_log_sum_2h");
    assertThat(view.features().get(0).plugin()).isEqualTo(new Feature.Plugin("log_sum", 1));
    assertThat(view.features().get(0).type()).isEqualTo(ValueType.DOUBLE);
    assertThat(
            Definitions.read(files("function: mean_age, by: shop, windows: 1h"))
                .featureViews()
                .get(0)
                .features()
                .get(0))
        .isEqualTo(
            new Feature(
                "mean_age_by_shop_1h",
                Feature.Function.PLUGIN,
                null,
                java.time.Duration.ofHours(1),
                ValueType.mapOf(ValueType.DOUBLE),
                new Feature.Options(null, "shop", null, null, null, null, List.of()),
                new Feature.Plugin("mean_age", 1)));
  }

  @Test
  void whatTheyDoNotTakeIsAMistake() {
    String path = "feature-views[0].aggregations[0]";
    assertThat(mistakes("function: log_sum, column: shop, windows: 1h"))
        .containsExactly(
            path
                + ".column: log_sum does not take field shop, which is string; name a field of kind"
                + " whole, real");
    assertThat(mistakes("function: log_sum, windows: 1h"))
        .containsExactly(path + ": key column is missing; add column:");
    assertThat(mistakes("function: mean_age, column: amount, windows: 1h"))
        .containsExactly(
            path + ".column: mean_age takes no column; remove the key, or use a filter");
    assertThat(mistakes("function: log_sum, column: amount"))
        .containsExactly(path + ": key windows is missing; add windows:");
    assertThat(mistakes("function: log_sum, column: amount, windows: 1h, k: 3"))
        .singleElement()
        .asString()
        .startsWith(path + ".k: only first_k,");
  }

  @Test
  void anUnknownFunctionSaysWhatThereIsAndWhereAJarGoes() {
    assertThat(mistakes("function: counts, windows: 1h"))
        .singleElement()
        .asString()
        .contains(
            ".function: 'counts' is not known; did you mean count? write one of count, count_if,")
        .contains("found: log_sum, longest, mean_age, on_demand_fault, spread")
        .contains("whose jar goes into")
        .contains("MILLRACE_PLUGINS");
  }

  @Test
  void aBuiltInNameIsNotGivenAway() {
    assertThat(mistakes("function: count, windows: 1h", only(new Renamed("count", 1))))
        .singleElement()
        .asString()
        .contains("count is built in, and ")
        .contains("Renamed");
    assertThat(
            Definitions.read(files("function: rate, windows: 1h"), only(new Renamed("count", 1)))
                .featureViews())
        .hasSize(1);
  }

  @Test
  void twoOfOneNameAreNoneAtAll() {
    Plugins two = Plugins.of(List.of(new Renamed("mine", 1), new Renamed("mine", 2)));

    assertThat(mistakes("function: mine, windows: 1h", two))
        .singleElement()
        .asString()
        .contains("function mine cannot be had: both ");
  }

  @Test
  void theVersionIsPartOfTheDefinition() {
    List<String> ids =
        List.of(new Renamed("mine", 1), new Renamed("mine", 2), new Renamed("my", 1)).stream()
            .map(
                provider ->
                    Definitions.read(
                            files("function: " + provider.name() + ", windows: 1h, name: x"),
                            only(provider))
                        .featureViews()
                        .get(0)
                        .id())
            .toList();

    assertThat(ids).doesNotHaveDuplicates();
  }

  @Test
  void aBrokenOneIsRefused() {
    AggregationProvider<?> broken =
        new GivenProviders.Counting() {
          @Override
          public void merge(long[] count, long[] other) {}
        };

    assertThat(mistakes("function: counting, windows: 1h", only(broken)))
        .singleElement()
        .asString()
        .contains("function counting of ")
        .contains("is broken: it has another value when it is merged from parts: 0 instead of 8");
  }

  private static String idWith(int version, String... replacements) {
    Plugins plugins =
        GivenScalar.plugins(
            new GivenScalar(
                "large",
                version,
                List.of(ScalarType.DOUBLE),
                ScalarType.BOOLEAN,
                a -> (double) a.get(0) > version));
    return Definitions.read(Projects.small(replacements), plugins).featureViews().get(0).id();
  }

  @Test
  void aFunctionThatAnExpressionCallsIsPartOfTheDefinition() {
    String count = "{function: count, windows: [10d]}";
    for (String[] calling :
        List.of(
            new String[] {
              "source: orders\n    aggregations",
              "source: orders\n    filter: large(amount)\n    aggregations"
            },
            new String[] {count, "{function: count_if, when: large(amount), windows: [10d]}"},
            new String[] {
              "event-time: at", "event-time: at\n    contract: [{name: sane, check: large(amount)}]"
            })) {
      assertThat(idWith(1, calling)).isNotEqualTo(idWith(2, calling)).isEqualTo(idWith(1, calling));
    }
    assertThat(idWith(1)).isEqualTo(idWith(2));
    // Nobody who calls none gets another id for it.
    assertThat(idWith(1)).isEqualTo(Definitions.read(Projects.small()).featureViews().get(0).id());
  }
}
