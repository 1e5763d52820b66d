package dev.millrace.core.definition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Sources of kind iceberg and parquet. */
class BatchSourcesTest {

  private static final String PARQUET =
      "event-time: at\n    kind: parquet\n    path: /data/orders/*.parquet\n    every: 1d";
  private static final String ICEBERG =
      "event-time: at\n    kind: iceberg\n    table: lake.orders\n    every: 6h";

  /** Without the model, which cannot read batches. */
  private static Map<String, String> project(String source) {
    Map<String, String> files = new HashMap<>(Projects.small("event-time: at", source));
    files.computeIfPresent(
        "millrace.yaml", (k, yaml) -> yaml.substring(0, yaml.indexOf("models:")));
    return files;
  }

  private static List<String> mistakes(Map<String, String> files) {
    DefinitionException e =
        catchThrowableOfType(DefinitionException.class, () -> Definitions.read(files));
    assertThat(e).as("mistakes of the project").isNotNull();
    return e.mistakes().stream().map(Mistake::toString).toList();
  }

  @Test
  void theySayWhereTheyAreAndHowOftenToLook() {
    Project project = Definitions.read(project(PARQUET));
    Source source = project.sources().get(0);
    assertThat(project.unbuilt()).isEmpty();
    assertThat(source.kind()).isEqualTo(Source.Kind.PARQUET);
    assertThat(source.batch())
        .isEqualTo(new Source.Batch("/data/orders/*.parquet", Duration.ofDays(1)));
    assertThat(source.archive()).as("the files are the archive").isFalse();
    assertThat(
            Definitions.read(project(PARQUET + "\n    archive: true")).sources().get(0).archive())
        .isTrue();

    assertThat(Definitions.read(project(ICEBERG)).sources().get(0).batch())
        .isEqualTo(new Source.Batch("lake.orders", Duration.ofHours(6)));
  }

  @Test
  void whereTheRowsAreIsPartOfTheirDefinitionAndHowOftenIsNot() {
    String id = id(PARQUET);
    assertThat(id(PARQUET.replace("1d", "2d"))).isEqualTo(id);
    assertThat(id(PARQUET.replace("/data/", "/other/"))).isNotEqualTo(id);
    assertThat(id(ICEBERG)).isNotEqualTo(id);
  }

  private static String id(String source) {
    return Definitions.read(project(source)).featureViews().get(0).id();
  }

  @Test
  void whatIsMissingOrDoesNotFitIsSaidWithItsPlace() {
    assertThat(mistakes(project("event-time: at\n    kind: parquet")))
        .containsExactlyInAnyOrder(
            "millrace.yaml:3: sources[0]: key every is missing; add every:",
            "millrace.yaml:3: sources[0]: key path is missing; add path:");
    assertThat(mistakes(project("event-time: at\n    kind: iceberg\n    every: 1d")))
        .containsExactly("millrace.yaml:3: sources[0]: key table is missing; add table:");
    assertThat(
            mistakes(project(PARQUET + "\n    topic: t\n    format: json\n    table: lake.orders")))
        .containsExactly(
            "millrace.yaml:10: sources[0].topic: a source of kind parquet has no such key; remove"
                + " the key",
            "millrace.yaml:11: sources[0].format: a source of kind parquet has no such key; remove"
                + " the key",
            "millrace.yaml:12: sources[0].table: a source of kind parquet has no such key; remove"
                + " the key");
    assertThat(mistakes(project("event-time: at\n    path: /data\n    every: 1d")))
        .containsExactly(
            "millrace.yaml:7: sources[0].path: a source of kind kafka has no such key; remove the"
                + " key",
            "millrace.yaml:8: sources[0].every: a source of kind kafka is not read at intervals;"
                + " remove the key");
    assertThat(mistakes(project("event-time: at\n    kind: view")))
        .containsExactly(
            "millrace.yaml:7: sources[0].kind: 'view' is not known; write one of kafka, iceberg,"
                + " parquet");
    assertThat(mistakes(project(ICEBERG.replace("lake.orders", "orders"))))
        .containsExactly(
            "millrace.yaml:8: sources[0].table: 'orders' is no name of a table; write its namespace"
                + " and its name, as in lake.orders");
  }

  @Test
  void aPathThatNotEveryTaskCanFollowIsRefused() {
    for (String path : List.of("data/orders", "/data/../etc", "/", "C:/data")) {
      assertThat(mistakes(project(PARQUET.replace("/data/orders/*.parquet", path))))
          .containsExactly(
              "millrace.yaml:8: sources[0].path: '"
                  + path
                  + "' is no path that every task of the cluster can follow; write one from the"
                  + " root, without .., as in /data/orders/*.parquet");
    }
  }

  @Test
  void nestedFieldsAreRefused() {
    Map<String, String> files = new HashMap<>(project(PARQUET));
    files.computeIfPresent(
        "event.avsc",
        (k, schema) ->
            schema.replace(
                "\"amount\", \"type\": \"float\"",
                "\"amount\", \"type\": {\"type\": \"array\", \"items\": \"float\"}"));
    assertThat(mistakes(files))
        .containsExactly(
            "millrace.yaml:4: sources[0].schema: field amount is array, and a source of kind"
                + " parquet has plain columns; leave the field out of the schema");
  }

  @Test
  void aModelReadsStreamsOnly() {
    String refused =
        "source orders is of kind parquet, whose rows come in batches, and a model reads events as"
            + " they come; name a source of kind kafka, and let views read this one";
    assertThat(mistakes(Projects.small("event-time: at", PARQUET)))
        .containsExactly(
            "millrace.yaml:20: models[0].source: " + refused,
            "millrace.yaml:23: models[0].label.source: " + refused);
  }

  @Test
  void theExampleOfTheDocumentationIsRead() throws Exception {
    String doc = Files.readString(Path.of("../docs/batch-sources.md"));
    String sources = doc.substring(doc.indexOf("\nsources:") + 1, doc.indexOf("```\n\n*"));
    Map<String, String> files = new HashMap<>(Projects.small());
    String schema = String.valueOf(files.get("event.avsc"));
    Project project =
        Definitions.read(
            Map.of(
                "millrace.yaml",
                "project: shop\n" + sources,
                "schemas/order.avsc",
                schema,
                "schemas/return.avsc",
                schema));

    assertThat(project.sources())
        .extracting(Source::kind)
        .containsExactly(Source.Kind.PARQUET, Source.Kind.ICEBERG);
  }
}
