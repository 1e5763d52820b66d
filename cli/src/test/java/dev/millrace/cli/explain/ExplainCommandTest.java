package dev.millrace.cli.explain;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.cli.Checkout;
import dev.millrace.cli.Millrace;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ExplainCommandTest {

  private static final String FLIGHTS = Checkout.root().resolve("examples/flights").toString();

  private static final String PROJECT =
      """
      project: small
      sources:
        - name: payments
          schema: payment.avsc
          event-id: id
          event-time: at
          sample: payments.csv
      entities:
        - {name: card, keys: [card]}
      feature-views:
        - name: spent
          entity: card
          source: payments
          filter: "amount > 0.0"
          accuracy: ACCURACY
          aggregations:
            - {function: count, windows: [1h]}
            - {function: percentile, p: 0.5, column: amount, windows: [1h]}
      """;

  private static final String SCHEMA =
      """
      {"type": "record", "name": "Payment", "fields": [
        {"name": "id", "type": "string"},
        {"name": "card", "type": "string"},
        {"name": "amount", "type": "double"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}}]}
      """;

  @TempDir private Path folder = Path.of("");

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int execute(String... args) {
    CommandLine line = Millrace.commandLine();
    line.setOut(new PrintWriter(out, true));
    line.setErr(new PrintWriter(err, true));
    return line.execute(args);
  }

  @Test
  void theFlightsExampleHasARowForEachView() {
    assertThat(execute("explain", FLIGHTS)).isEqualTo(Millrace.DONE);
    assertThat(out.toString())
        .contains("origin_delays  (exact, entity origin, 5 features)")
        .contains("destination_delays  (exact")
        .contains("route_delays  (exact")
        .contains("200,000 events of ")
        .contains("from data/flights-week-*.parquet; its first 200,000")
        .contains("none: windows have exact ends")
        .doesNotContain("lower bound");
  }

  @Test
  void jsonSaysTheSame() throws IOException {
    int code = execute("explain", FLIGHTS, "--json", "--events-per-key-per-day", "240");
    assertThat(code).isEqualTo(Millrace.DONE);
    JsonNode views = new JsonMapper().readTree(out.toString()).path("views");
    assertThat(StreamSupport.stream(views.spliterator(), false))
        .extracting(v -> v.path("view").asText())
        .containsExactly("origin_delays", "destination_delays", "route_delays");
    JsonNode origin = views.path(0);
    assertThat(origin.path("load").path("kind").asText()).isEqualTo("supposed");
    assertThat(origin.path("load").path("events_per_key_per_day").asDouble()).isBetween(230., 250.);
    // The longest window is a day.
    assertThat(origin.path("events_per_key").path("mean").asDouble()).isBetween(230., 250.);
    assertThat(origin.path("state_bytes_per_key").path("mean").asDouble()).isBetween(2e3, 2e4);
    assertThat(origin.path("refreshes_per_key_per_day").asDouble()).isBetween(270., 290.);
    assertThat(origin.path("error").path("windows")).isEmpty();
  }

  @Test
  void aShortSampleGivesALowerBoundThatSaysSo() throws IOException {
    project("tiled");
    Files.write(
        folder.resolve("payments.csv"),
        List.of(
            "id,card,amount,at",
            "1,a,5.5,2026-01-01T00:00:00Z",
            "2,a,7.5,2026-01-01T00:10:00Z",
            "3,b,-1,2026-01-01T00:20:00Z"));
    assertThat(execute("explain", folder.toString())).isEqualTo(Millrace.DONE);
    assertThat(out.toString())
        .contains("2 events of 1 keys in 20m")
        .contains("shorter than the longest window (1h): state is a lower bound")
        .contains("--events-per-key-per-day")
        .contains("window 1h holds up to 32.8s (0.91 %) too much at its old end")
        .contains("rank off by at most 1.33 %");
  }

  @Test
  void withoutSampleFilesALoadIsSupposed() throws IOException {
    project("exact");
    assertThat(execute("explain", folder.toString())).isEqualTo(Millrace.DONE);
    assertThat(out.toString()).contains("supposed; no sample has events of it");
  }

  @Test
  void viewsOverViewsAndOverBatchesAreExplainedToo() throws IOException {
    Files.writeString(
        folder.resolve("millrace.yaml"),
        PROJECT
                .replace("ACCURACY", "exact")
                .replace("sample: payments.csv", "kind: parquet\n    path: /data\n    every: 1d")
            + """
              - name: spent_most
                entity: card
                source: spent
                aggregations:
                  - {function: max, column: count_1h, windows: [24h]}
            """);
    Files.writeString(folder.resolve("payment.avsc"), SCHEMA);

    assertThat(execute("explain", folder.toString())).isEqualTo(Millrace.DONE);
    assertThat(out.toString())
        .contains("spent  (exact, entity card, 2 features)")
        .contains("supposed; no sample has events of it")
        .contains("spent_most  (exact, entity card, 1 features)")
        .contains("supposed; it reads rows of view spent");
  }

  @Test
  void mistakesAreTheUsers() throws IOException {
    project("rough");
    assertThat(execute("explain", folder.toString())).isEqualTo(Millrace.USER_MISTAKE);
    assertThat(err.toString()).contains("accuracy").doesNotContain("Exception");
    assertThat(execute("explain", FLIGHTS, "--events-per-key-per-day", "0"))
        .isEqualTo(Millrace.USER_MISTAKE);
    assertThat(err.toString()).contains("Cannot suppose 0.0 events");
  }

  private void project(String accuracy) throws IOException {
    Files.writeString(folder.resolve("millrace.yaml"), PROJECT.replace("ACCURACY", accuracy));
    Files.writeString(folder.resolve("payment.avsc"), SCHEMA);
  }
}
