package dev.millrace.core.definition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.FeatureView.RedisOptions;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What an aggregation of a view may say, and what it makes. */
class AggregationReaderTest {

  private static final String SCHEMA =
      """
      {"type": "record", "name": "Order", "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "shop", "type": "string"},
        {"name": "amount", "type": "float"},
        {"name": "price", "type": ["null", "double"], "default": null},
        {"name": "units", "type": "int"},
        {"name": "flag", "type": ["null", "boolean"], "default": null},
        {"name": "Kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
        {"name": "tags", "type": {"type": "array", "items": "string"}}
      ]}
      """;

  private static final String HEAD =
      """
      project: shop
      sources:
        - {name: orders, schema: event.avsc, event-id: id, event-time: at, dedup-window: 1h}
      entities:
        - {name: shop, keys: [shop]}
        - {name: flag, keys: [flag]}
        - {name: shopper, keys: [shop]}
      feature-views:
      """;

  private static Project project(String views) {
    return Definitions.read(Map.of("millrace.yaml", HEAD + views, "event.avsc", SCHEMA));
  }

  private static String view(String keys, String aggregations) {
    return "  - name: v\n    source: orders\n    "
        + keys
        + "\n    aggregations:\n      - {"
        + aggregations
        + "}\n";
  }

  private static List<Feature> features(String aggregation) {
    Project project = project(view("entity: shop", aggregation));
    assertThat(project.unbuilt()).isEmpty();
    return project.featureViews().get(0).features();
  }

  private static List<String> mistakes(String views) {
    DefinitionException e = catchThrowableOfType(DefinitionException.class, () -> project(views));
    assertThat(e).as("mistakes of " + views).isNotNull();
    return e.mistakes().stream()
        .map(m -> m.path().replace("feature-views[0].", "") + ": " + m.reason() + "; " + m.repair())
        .toList();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          function: count, windows: [1s, 365d]            | count_1s LONG, count_365d LONG
          function: count, windows: 1h, by: Kind          | count_by_Kind_1h MAP<LONG>
          function: count_if, when: "amount > 1.0", windows: 1h | count_if_1h LONG
          function: count_if, when: flag, windows: 1h, by: units | count_if_by_units_1h MAP<LONG>
          function: sum, column: units, windows: 1h       | units_sum_1h DOUBLE
          function: mean, column: amount, windows: 1h, by: shop | amount_mean_by_shop_1h MAP<DOUBLE>
          function: mean, column: amount, windows: 1h, by: shop, name: by_shop | by_shop_1h MAP<DOUBLE>
          function: min, column: price, windows: 1h       | price_min_1h DOUBLE
          function: max, column: price, windows: 1h       | price_max_1h DOUBLE
          function: variance, column: price, windows: 1h  | price_variance_1h DOUBLE
          function: variance_pop, column: price, windows: 1h | price_variance_pop_1h DOUBLE
          function: stddev, column: price, windows: 1h    | price_stddev_1h DOUBLE
          function: stddev_pop, column: price, windows: 1h | price_stddev_pop_1h DOUBLE
          function: skew, column: price, windows: 1h      | price_skew_1h DOUBLE
          function: kurtosis, column: price, windows: 1h  | price_kurtosis_1h DOUBLE
          function: first, column: Kind                   | Kind_first STRING
          function: last, column: at                      | at_last LONG
          function: last, column: amount, windows: 1h     | amount_last_1h DOUBLE
          function: first_k, column: flag, k: 3           | flag_first_k LIST<BOOLEAN>
          function: last_k, column: at, k: 1              | at_last_k LIST<LONG>
          function: last_k, column: shop, k: 2, windows: 1h, by: flag | shop_last_k_by_flag_1h MAP<LIST<STRING>>
          function: last_distinct_k, column: price, k: 1000 | price_last_distinct_k LIST<DOUBLE>
          function: top_k, column: units, k: 5, windows: 1h | units_top_k_1h LIST<DOUBLE>
          function: bottom_k, column: units, k: 5, windows: 1h | units_bottom_k_1h LIST<DOUBLE>
          function: count_distinct, column: flag, windows: 1h | flag_count_distinct_1h LONG
          function: approx_count_distinct, column: at, windows: 1h | at_approx_count_distinct_1h LONG
          function: percentile, column: units, p: 0, windows: 1h | units_percentile_1h DOUBLE
          function: histogram, column: price, edges: [0, 1.5], windows: 1h | price_histogram_1h LIST<LONG>
          function: histogram, column: Kind, windows: 1h  | Kind_histogram_1h MAP<LONG>
          function: histogram, column: Kind, windows: 1h, by: shop | Kind_histogram_by_shop_1h MAP<MAP<LONG>>
          function: frequent_items, column: shop, windows: 1h | shop_frequent_items_1h MAP<LONG>
          function: ratio, column: price, denominator: units, windows: 1h | price_ratio_1h DOUBLE
          function: decayed_sum, column: price, half-life: 1h | price_decayed_sum DOUBLE
          function: decayed_mean, column: price, half-life: 50ms, windows: 1h | price_decayed_mean_1h DOUBLE
          function: time_since_last                       | time_since_last LONG
          function: time_since_last, by: shop             | time_since_last_by_shop MAP<LONG>
          function: time_since_last, column: flag, windows: 1h | flag_time_since_last_1h LONG
          function: rate, windows: [1m, 60s]              | rate_1m DOUBLE, rate_60s DOUBLE
          function: delta, column: price, windows: 1h     | price_delta_1h DOUBLE
          function: zscore, column: price, windows: 1h    | price_zscore_1h DOUBLE
          """)
  void featuresHaveTheirNamesAndTypes(String aggregation, String expected) {
    assertThat(
            features(aggregation).stream()
                .map(f -> f.name() + " " + f.type())
                .collect(Collectors.joining(", ")))
        .isEqualTo(expected);
  }

  @Test
  void optionsComeWithTheirDefaults() {
    assertThat(
            features("function: count_if, when: \" amount > 1.0 \", windows: 1h").get(0).options())
        .isEqualTo(new Feature.Options("amount > 1.0", null, null, null, null, null, List.of()));
    assertThat(
            features("function: ratio, column: price, denominator: units, by: shop, windows: 1h")
                .get(0)
                .options())
        .isEqualTo(new Feature.Options(null, "shop", "units", null, null, null, List.of()));
    assertThat(
            features("function: percentile, column: units, p: 1, windows: 1h").get(0).options().p())
        .isEqualTo(1.0);
    assertThat(features("function: count_distinct, column: shop, windows: 1h").get(0).options().k())
        .isEqualTo(1_000);
    assertThat(features("function: frequent_items, column: shop, windows: 1h").get(0).options().k())
        .isEqualTo(64);
    assertThat(
            features("function: count_distinct, column: shop, windows: 1h, k: 100000")
                .get(0)
                .options()
                .k())
        .isEqualTo(100_000);
    assertThat(features("function: decayed_sum, column: units, half-life: 2d").get(0).options())
        .isEqualTo(
            new Feature.Options(null, null, null, null, null, Duration.ofDays(2), List.of()));
    assertThat(
            features("function: histogram, column: units, edges: [-1e3, -0.0, 7], windows: 1h")
                .get(0)
                .options()
                .edges())
        .containsExactly(-1000.0, 0.0, 7.0);
    assertThat(features("function: count, windows: 1h").get(0).options())
        .isEqualTo(Feature.Options.NONE);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          function: count_if, windows: 1h | : key when is missing; add when:
          function: count_if, when: amount, windows: 1h | .when: in amount: it gives a number where true or false is needed; compare it, as in x > 0
          function: count_if, when: flag, column: flag, windows: 1h | .column: count_if takes no column; remove the key, and name the field in when:
          function: rate, column: units, windows: 1h | .column: rate takes no column; remove the key, or use a filter
          function: count, when: flag, windows: 1h | .when: only count_if takes when; remove the key
          function: sum, windows: 1h | : key column is missing; add column:
          function: top_k, column: shop, k: 3, windows: 1h | .column: top_k needs numbers, and field shop is string; name a field of type int, long, float or double
          function: delta, column: at, windows: 1h | .column: delta needs numbers, and field at is timestamp-millis; name a field of type int, long, float or double
          function: count_distinct, column: tags, windows: 1h | .column: field tags is array, which no aggregation takes; name a field of a plain type
          function: sum, column: units, windows: 1h, by: amount | .by: field amount is float and cannot tell groups apart; name a field of type string, enum, int, long or boolean
          function: sum, column: units, windows: 1h, by: at | .by: field at is timestamp-millis and cannot tell groups apart; name a field of type string, enum, int, long or boolean
          function: sum, column: units, windows: 1h, by: shp | .by: source orders has no field shp; did you mean shop?
          function: sum, column: units, windows: 1h, by: [shop, flag] | .by: a single value is needed, not a list; write one value
          function: percentile, column: units, windows: 1h | : key p is missing; add p:
          function: percentile, column: units, windows: 1h, p: 1.5 | .p: '1.5' is not between 0 and 1; write a number in that range
          function: sum, column: units, windows: 1h, p: 0.5 | .p: only percentile takes p; remove the key
          function: ratio, column: units, windows: 1h | : key denominator is missing; add denominator:
          function: ratio, column: units, denominator: shop, windows: 1h | .denominator: the denominator of a ratio needs numbers, and field shop is string; name a field of type int, long, float or double
          function: sum, column: units, denominator: price, windows: 1h | .denominator: only ratio takes denominator; remove the key
          function: last_k, column: units | : key k is missing; add k:
          function: last_k, column: units, k: 0 | .k: '0' is no whole number between 1 and 1000; write a whole number in that range
          function: first_k, column: units, k: 1001 | .k: '1001' is no whole number between 1 and 1000; write a whole number in that range
          function: frequent_items, column: units, k: 7, windows: 1h | .k: '7' is no whole number between 8 and 4096; write a whole number in that range
          function: count_distinct, column: units, k: 100001, windows: 1h | .k: '100001' is no whole number between 1 and 100000; write a whole number in that range
          function: sum, column: units, k: 3, windows: 1h | .k: only first_k, last_k, last_distinct_k, top_k, bottom_k, count_distinct and frequent_items take k; remove the key
          function: decayed_sum, column: units | : key half-life is missing; add half-life:
          function: decayed_sum, column: units, half-life: 0 | .half-life: must be longer than 0; write a duration such as 1h
          function: sum, column: units, half-life: 1h, windows: 1h | .half-life: only decayed_sum and decayed_mean take half-life; remove the key
          function: histogram, column: units, edges: [1, 1.0], windows: 1h | .edges[1]: is not more than the edge before it; write the edges ascending
          function: histogram, column: units, edges: [.inf], windows: 1h | .edges[0]: '.inf' is no number; write one such as 5 or 0.25
          function: histogram, column: units, edges: [], windows: 1h | .edges: holds no edge; name at least one number, or remove the key
          function: histogram, column: shop, edges: [1], windows: 1h | .edges: edges divide numbers, and field shop is string; remove the key, so that each value is counted, or name a number as column
          function: sum, column: units, edges: [1], windows: 1h | .edges: only histogram takes edges; remove the key
          function: count, windows: 999ms | .windows: a window is from 1s to 365d long; write one such as 1h
          function: count, windows: [1h, 366d] | .windows[1]: a window is from 1s to 365d long; write one such as 1h
          function: skew, column: units | : key windows is missing; add windows:
          function: count, windows: 1h, wehn: flag | .wehn: unknown key; did you mean when?
          function: last, column: units, name: entity_key | : feature entity_key has the name of another column of the view's log; choose another with name:
          """)
  void misuseIsSaidWhereItStands(String aggregation, String expected) {
    assertThat(mistakes(view("entity: shop", aggregation)))
        .containsExactly("aggregations[0]" + expected);
  }

  @Test
  void edgesAreNotWithoutEnd() {
    String edges =
        IntStream.rangeClosed(0, 200).mapToObj(Integer::toString).collect(Collectors.joining(", "));

    assertThat(
            mistakes(
                view(
                    "entity: shop",
                    "function: histogram, column: units, windows: 1h, edges: [" + edges + "]")))
        .containsExactly(
            "aggregations[0].edges: holds 201 edges, and a histogram takes 200; leave out some");
  }

  @Test
  void groupsDoNotTakeTheNameOfTheWhole() {
    List<FeatureView> views =
        project(
                """
                  - name: v
                    source: orders
                    entity: shop
                    aggregations:
                      - {function: sum, column: units, windows: 1h}
                      - {function: sum, column: units, windows: 1h, by: flag}
                      - {function: sum, column: units, windows: 1h, by: Kind}
                """)
            .featureViews();

    assertThat(views.get(0).features())
        .extracting(Feature::name)
        .containsExactly("units_sum_1h", "units_sum_by_flag_1h", "units_sum_by_Kind_1h");
  }

  @ParameterizedTest
  @EnumSource(value = Function.class, names = "PLUGIN", mode = EnumSource.Mode.EXCLUDE)
  void everyFunctionIsReadWithEveryColumnItTakes(Function function) {
    String name = function.name().toLowerCase(Locale.ROOT);
    String options =
        switch (function) {
          case COUNT_IF -> ", when: flag";
          case RATIO -> ", denominator: price";
          case PERCENTILE -> ", p: 0.5";
          case FIRST_K, LAST_K, LAST_DISTINCT_K, TOP_K, BOTTOM_K -> ", k: 3";
          case DECAYED_SUM, DECAYED_MEAN -> ", half-life: 1h";
          default -> "";
        };
    List<String> columns =
        switch (function) {
          case COUNT, COUNT_IF, RATE -> List.of("");
          default ->
              function.needsNumbers()
                  ? List.of("amount", "price", "units")
                  : List.of("shop", "at", "amount", "price", "units", "flag", "Kind");
        };
    for (String column : columns) {
      String aggregation =
          "function: " + name + (column.isEmpty() ? "" : ", column: " + column) + options;
      List<Feature> one = features(aggregation + ", windows: 1h");
      List<Feature> grouped = features(aggregation + ", windows: 1h, by: flag");

      assertThat(one).hasSize(1).allMatch(f -> f.function() == function);
      assertThat(grouped.get(0).type()).isEqualTo(Feature.ValueType.mapOf(one.get(0).type()));
      assertThat(grouped.get(0).name()).isNotEqualTo(one.get(0).name());
    }
  }

  @Test
  void aModelTakesNoListsAndMaps() {
    Project project =
        project(
            """
              - name: v
                source: orders
                entity: shop
                aggregations:
                  - {function: last, column: units}
                  - {function: last, column: flag}
                  - {function: last, column: shop}
                  - {function: last_k, column: units, k: 2}
                  - {function: count, windows: 1h, by: flag}
            models:
              - {name: m, source: orders, inputs: ["v:*"]}
            """);

    assertThat(project.unbuilt())
        .extracting(u -> u.path() + ": " + u.reason())
        .containsExactly(
            "models[0].inputs[0]: a list (units_last_k) as a model's input is not built yet",
            "models[0].inputs[0]: a map (count_by_flag_1h) as a model's input is not built yet");
  }

  @Test
  void aModelDoesNotReadFeastsLayoutOnline() {
    String model =
        view("entity: shop\n    redis: {layout: feast}", "function: count, windows: 1h")
            + "models:\n  - {name: m, source: orders, inputs: [\"v:*\"]}\n";

    assertThat(project(model).unbuilt())
        .extracting(u -> u.path() + ": " + u.reason())
        .containsExactly(
            "models[0].inputs[0]: reading view v, which stands in Feast's layout, online is not"
                + " built yet");
    assertThat(
            project(
                    model.replace(
                        "source: orders, inputs", "source: orders, features: as-of, inputs"))
                .unbuilt())
        .isEmpty();
  }

  @Test
  void aViewsBoundsAndStoreAreRead() {
    FeatureView plain =
        project(view("entity: shop", "function: count, windows: 1h")).featureViews().get(0);
    assertThat(plain.maxEventsPerKey()).isEqualTo(100_000);
    assertThat(plain.redis())
        .isEqualTo(new RedisOptions(RedisOptions.Layout.MILLRACE, RedisOptions.Unavailable.WAIT));

    Project project =
        project(
            view(
                "entity: shop\n    max-events-per-key: 10000000\n"
                    + "    redis: {layout: feast, unavailable: skip}",
                "function: count, windows: 1h"));
    FeatureView view = project.featureViews().get(0);
    assertThat(project.unbuilt()).isEmpty();
    assertThat(project.sources().get(0).dedupWindow()).isEqualTo(Duration.ofHours(1));
    assertThat(view.maxEventsPerKey()).isEqualTo(10_000_000);
    assertThat(view.redis())
        .isEqualTo(new RedisOptions(RedisOptions.Layout.FEAST, RedisOptions.Unavailable.SKIP));
    assertThat(
            project(view("entity: shop\n    accuracy: tiled", "function: count, windows: 1h"))
                .featureViews()
                .get(0)
                .accuracy())
        .isEqualTo(FeatureView.Accuracy.TILED);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          entity: shop, max-events-per-key: 0 | max-events-per-key: '0' is no whole number between 1 and 10000000; write a whole number in that range
          entity: shop, max-events-per-key: 5, accuracy: tiled | max-events-per-key: a tiled view keeps no events; remove the key
          entity: shop, redis: feast | redis: a mapping is needed; write its keys as key: value
          entity: shop, redis: {layout: fest} | redis.layout: 'fest' is not known; did you mean feast?
          entity: shop, redis: {unavailable: drop} | redis.unavailable: 'drop' is not known; write one of wait, skip
          entity: shop, redis: {ttl: 1d} | redis.ttl: unknown key; known here are layout, unavailable
          entity: flag, redis: {layout: feast} | redis: field flag is null or boolean, and a key in Feast's layout is text or a whole number; use a string, enum, int or long as key, or layout: millrace
          """)
  void whatAViewCannotSayIsAMistake(String keys, String expected) {
    assertThat(mistakes(view(keys.replace(", ", "\n    "), "function: count, windows: 1h")))
        .containsExactly(expected);
  }

  /** Field hashes of research on Feast's format, as Feast itself computed them. */
  @Test
  void feastsFieldsHaveFeastsHash() {
    assertThat(ViewReader.feastHash("driver_hourly_stats:conv_rate")).isEqualTo(0xdae36061);
    assertThat(ViewReader.feastHash("user_txn:sum_amount_1h")).isEqualTo(0x9cdb8fef);
    assertThat(ViewReader.feastHash("a:b")).isEqualTo(0xa2446843);
  }

  @Test
  void twoFeaturesOfOneKeyMayNotShareAFieldOfFeast() {
    String[] same = collision();
    String views =
        Arrays.stream(same)
            .map(
                name ->
                    "  - name: "
                        + name
                        + "\n    source: orders\n    redis: {layout: feast}\n    entity: "
                        + (name.equals(same[0]) ? "shop" : "shopper")
                        + "\n    aggregations: [{function: count, windows: 1h}]\n")
            .collect(Collectors.joining());

    assertThat(mistakes(views))
        .containsExactly(
            "feature-views[1].redis: "
                + same[1]
                + ":count_1h and "
                + same[0]
                + ":count_1h have one field in Feast's layout; give one of them another name");
    Project apart = project(views.replace("layout: feast", "layout: millrace"));
    assertThat(apart.featureViews()).hasSize(2);
  }

  /** Two names of views whose feature {@code count_1h} has one hash: 100,000 names hold some. */
  private static String[] collision() {
    Map<Integer, String> seen = new java.util.HashMap<>();
    for (int i = 0; i < 1_000_000; i++) {
      String name = "v" + i;
      String earlier = seen.putIfAbsent(ViewReader.feastHash(name + ":count_1h"), name);
      if (earlier != null) {
        return new String[] {earlier, name};
      }
    }
    throw new IllegalStateException("no collision");
  }
}
