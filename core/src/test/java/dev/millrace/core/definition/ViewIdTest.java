package dev.millrace.core.definition;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ViewIdTest {

  private static String id(Map<String, String> files) {
    return Definitions.read(files).featureViews().get(0).id();
  }

  /** The id is in topics, keys and logs: it may not move between versions of Millrace. */
  @Test
  void staysWhatItIs() {
    assertThat(id(Projects.small())).isEqualTo("6077d172810c");
  }

  @Test
  void isTwelveHexDigits() {
    assertThat(id(Projects.small())).matches("[0-9a-f]{12}");
  }

  @Test
  void orderOfKeysCommentsAndWordsForPeopleDoNotMatter() {
    String plain = id(Projects.small());

    assertThat(
            id(
                Projects.small(
                    "entity: shop\n    source: orders",
                    "source: orders # the source\n    description: x\n    owner: me\n    ttl: 99d\n"
                        + "    entity: shop")))
        .isEqualTo(plain);
    assertThat(id(Projects.small("event-time: at", "event-time: at\n    archive: false")))
        .isEqualTo(plain);
    assertThat(id(Projects.small("event-time: at", "event-time: at\n    max-ahead: 60m")))
        .as("a default written out")
        .isEqualTo(plain);
    Map<String, String> files = new HashMap<>(Projects.small());
    files.computeIfPresent(
        "event.avsc", (k, v) -> v.replace("\"for tests\"", "\"for people\"").replace(": ", " :  "));
    assertThat(id(files)).as("documentation in the schema").isEqualTo(plain);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "windows: [10d]|windows: [11d]",
        "windows: [10d]|windows: [240h]",
        "windows: [10d]|windows: [10d, 1h]",
        "function: count|function: sum, column: amount",
        "entity: shop|entity: shop, filter: flag",
        "entity: shop|entity: shop, refresh: 2m",
        "entity: shop|entity: shop, allowed-lateness: 2m",
        "entity: shop|entity: shop, accuracy: tiled",
        "entity: shop|entity: shop, keys: {shop: id}",
        "entity: shop|entity: shop, max-events-per-key: 5",
        "event-time: at|event-time: at, format: json",
        "event-time: at|event-time: at, topic: other",
        "event-time: at|event-time: at, max-ahead: 2h",
        "event-time: at|event-time: at, max-out-of-orderness: 1h",
        "event-time: at|event-time: at, dedup-window: 1h",
        "event-time: at|event-time: at, contract: [{name: a\\, check: flag}]",
      })
  void whatDecidesARowsValuesDecidesTheId(String before, String after) {
    String changed =
        before.startsWith("e")
            ? after.replaceAll("(?<!\\\\), ", "\n    ").replace("\\", "")
            : after;

    assertThat(id(Projects.small(before, changed))).isNotEqualTo(id(Projects.small()));
  }

  /** Each line: two aggregations that differ in one option alone. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          function: count_if, when: flag, name: x | function: count_if, when: '!flag', name: x
          function: count, name: x | function: count, by: flag, name: x
          function: count, by: shop, name: x | function: count, by: flag, name: x
          function: percentile, column: amount, p: 0.5 | function: percentile, column: amount, p: 0.9
          function: last_k, column: amount, k: 3 | function: last_k, column: amount, k: 4
          function: count_distinct, column: id | function: count_distinct, column: id, k: 999
          function: ratio, column: amount, denominator: amount | function: ratio, column: amount, denominator: other
          function: decayed_sum, column: amount, half-life: 1h | function: decayed_sum, column: amount, half-life: 2h
          function: histogram, column: amount, edges: [1, 2] | function: histogram, column: amount, edges: [1, 3]
          function: histogram, column: amount, edges: [1, 2] | function: histogram, column: amount, edges: [1]
          """)
  void optionsDecideARowsValues(String one, String other) {
    Map<String, String> files = new HashMap<>();
    List<String> ids = new ArrayList<>();
    for (String aggregation : List.of(one, other)) {
      files.putAll(
          Projects.small(
              "{function: count, windows: [10d]}", "{" + aggregation + ", windows: 1h}"));
      files.computeIfPresent(
          "event.avsc", (k, v) -> v.replace("\n]}", ",{\"name\": \"other\", \"type\": \"int\"}]}"));
      ids.add(id(files));
    }
    assertThat(ids).doesNotHaveDuplicates();
  }

  @Test
  void defaultsWrittenOutAndTheOnlineStoreDoNot() {
    String plain = id(Projects.small());

    assertThat(id(Projects.small("entity: shop", "entity: shop\n    max-events-per-key: 100000")))
        .isEqualTo(plain);
    assertThat(
            id(
                Projects.small(
                    "entity: shop", "entity: shop\n    redis: {layout: feast, unavailable: skip}")))
        .isEqualTo(plain);
    String distinct = "{function: count_distinct, column: id, windows: [1h]";
    assertThat(id(Projects.small("{function: count, windows: [10d]}", distinct + ", k: 1000}")))
        .isEqualTo(id(Projects.small("{function: count, windows: [10d]}", distinct + "}")));
  }

  @Test
  void theSchemaDecidesToo() {
    Map<String, String> files = new HashMap<>(Projects.small());
    files.computeIfPresent("event.avsc", (k, v) -> v.replace("\"float\"", "\"double\""));

    assertThat(id(files)).isNotEqualTo(id(Projects.small()));
  }
}
