package dev.millrace.core.definition;

import static dev.millrace.core.definition.Projects.mistakes;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.apache.avro.Schema;
import org.junit.jupiter.api.Test;

/** Views whose source is another view. */
class DerivedViewsTest {

  private static final String DERIVED =
      """
      feature-views:
        - name: busiest
          entity: shop
          source: shop_orders
          filter: "count_10d > 1"
          aggregations:
            - {function: max, column: count_10d, windows: [1h]}
      """;

  private static Map<String, String> derived(String... replacements) {
    return Projects.small("feature-views:", Projects.replaced(DERIVED, replacements));
  }

  @Test
  void rowsOfAViewAreItsEvents() {
    Project project = Definitions.read(derived());

    assertThat(project.unbuilt()).isEmpty();
    assertThat(project.featureViews())
        .extracting(FeatureView::name)
        .as("as they are written, although the second is read first")
        .containsExactly("busiest", "shop_orders");
    FeatureView upstream = project.featureView("shop_orders").orElseThrow();
    Source rows = project.source("shop_orders").orElseThrow();
    assertThat(rows.kind()).isEqualTo(Source.Kind.VIEW);
    assertThat(rows.topic()).isEqualTo("shop_orders@" + upstream.id());
    assertThat(rows.schema().getFields())
        .extracting(Schema.Field::name)
        .containsExactly("shop", "_time", "_source", "count_10d");
    assertThat(rows.maxOutOfOrderness()).isEqualTo(Duration.ofSeconds(10));
    assertThat(project.sources()).extracting(Source::name).containsExactly("orders");
    assertThat(project.origin(project.featureView("busiest").orElseThrow()).name())
        .isEqualTo("orders");
  }

  @Test
  void aChangedUpstreamIsAChangedView() {
    String id = id(derived());

    assertThat(id(derived("max, column", "min, column"))).isNotEqualTo(id);
    assertThat(
            id(
                Projects.small(
                    "feature-views:",
                    DERIVED,
                    "source: orders\n    aggregations",
                    "source: orders\n    refresh: 2m\n    aggregations")))
        .isNotEqualTo(id);
    assertThat(
            id(
                Projects.small(
                    "feature-views:",
                    DERIVED,
                    "source: orders\n    aggregations",
                    "source: orders\n    ttl: 90d\n    aggregations")))
        .as("what changes no value")
        .isEqualTo(id);
  }

  private static String id(Map<String, String> files) {
    return Definitions.read(files).featureView("busiest").orElseThrow().id();
  }

  @Test
  void circlesAreSaidWithTheirPath() {
    assertThat(
            mistakes(
                Projects.small(
                    "feature-views:",
                    DERIVED,
                    "source: orders\n    aggregations",
                    "source: busiest\n    aggregations")))
        .containsExactly(
            "millrace.yaml:12: feature-views[0].source: views go in a circle: busiest reads"
                + " shop_orders reads busiest; let one of them read a source");
    assertThat(mistakes(derived("source: shop_orders", "source: busiest")))
        .containsExactly(
            "millrace.yaml:12: feature-views[0].source: views go in a circle: busiest reads"
                + " busiest; let one of them read a source");
  }

  @Test
  void whatItCannotReadIsSaidWithItsPlace() {
    assertThat(mistakes(derived("source: shop_orders", "source: shop_order")))
        .containsExactly(
            "millrace.yaml:12: feature-views[0].source: there is no source shop_order; did you mean"
                + " shop_orders?");
    assertThat(mistakes(derived("column: count_10d", "column: amount")))
        .containsExactly(
            "millrace.yaml:15: feature-views[0].aggregations[0].column: source shop_orders has no"
                + " field amount; its fields are shop, _time, _source, count_10d");
    assertThat(
            mistakes(derived("source: shop_orders", "source: shop_orders\n    keys: {shop: at}")))
        .contains(
            "millrace.yaml:13: feature-views[0].keys.shop: source shop_orders has no field at; its"
                + " fields are shop, _time, _source, count_10d");
    assertThat(
            mistakes(
                derived("source: shop_orders", "source: shop_orders\n    allowed-lateness: 1h")))
        .containsExactly(
            "millrace.yaml:13: feature-views[0].allowed-lateness: what is late was judged for view"
                + " shop_orders, whose rows are read here; write it there");
  }

  @Test
  void aNameThatASourceHasTooIsRefused() {
    assertThat(
            mistakes(
                derived(
                    "name: busiest",
                    "name: orders",
                    "source: shop_orders",
                    "source: orders",
                    "count_10d > 1",
                    "amount > 1.0",
                    "column: count_10d",
                    "column: amount")))
        .contains(
            "millrace.yaml:12: feature-views[0].source: there are a source and a feature view of"
                + " the name orders; give one of them another name");
  }

  @Test
  void aModelCannotScoreTheRowsOfAView() {
    assertThat(
            mistakes(
                Projects.small("source: orders\n    inputs", "source: shop_orders\n    inputs")))
        .contains(
            "millrace.yaml:17: models[0].source: there is no source shop_orders; known are"
                + " orders");
  }

  @Test
  void theExampleOfTheDocumentationIsRead() throws Exception {
    String doc = Files.readString(Path.of("../docs/views-over-views.md"));
    String views = doc.substring(doc.indexOf("feature-views:"), doc.indexOf("```\n\n*"));
    Project project =
        Definitions.read(
            Map.of(
                "millrace.yaml",
                """
                project: flights
                sources:
                  - {name: arrivals, schema: arrival.avsc, event-id: id, event-time: at}
                entities:
                  - {name: route, keys: [origin, destination]}
                  - {name: origin, keys: [origin]}
                """
                    + views,
                "arrival.avsc",
                """
                {"type": "record", "name": "Arrival", "fields": [
                  {"name": "id", "type": "string"},
                  {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
                  {"name": "origin", "type": "string"},
                  {"name": "destination", "type": "string"},
                  {"name": "delay", "type": "int"}]}
                """));

    assertThat(project.featureView("worst_routes").orElseThrow().features())
        .extracting(Feature::name)
        .containsExactly("delay_sum_1h_max_2h");
  }
}
