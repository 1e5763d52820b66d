package dev.millrace.cli.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventFormTest {
  private static final String SCHEMA =
      """
      {"type": "record", "name": "Ride", "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "fare", "type": ["null", "double"], "default": null},
        {"name": "seats", "type": "int", "default": 4}]}
      """;
  private static final String ENDED =
      """
      {"type": "record", "name": "Ended", "fields": [
        {"name": "id", "type": "string"},
        {"name": "ended_at", "type": {"type": "long", "logicalType": "timestamp-millis"},
         "sample": "at + duration(string(minutes * 60) + 's')"},
        {"name": "minutes", "type": "int"}]}
      """;
  private static final Project PROJECT =
      Definitions.read(
          Map.of(
              "millrace.yaml",
              """
              project: rides
              sources:
                - {name: rides, schema: ride.avsc, event-id: id, event-time: at}
                - {name: ended, schema: ended.avsc, event-id: id, event-time: ended_at}
              """,
              "ride.avsc",
              SCHEMA,
              "ended.avsc",
              ENDED));

  private final Path folder;
  private final List<GenericRecord> encoded = new ArrayList<>();
  private final EventForm rides = form("rides");
  private final EventForm ended = form("ended");

  EventFormTest(@TempDir Path folder) {
    this.folder = folder;
  }

  private EventForm form(String source) {
    Source definition = PROJECT.source(source).orElseThrow();
    return new EventForm(
        PROJECT,
        definition,
        record -> {
          encoded.add(record);
          return RecordJson.forTopic(record).getBytes(StandardCharsets.UTF_8);
        });
  }

  private EventFile.Loaded load(String name, String text, EventForm form) throws IOException {
    Path file = folder.resolve(name);
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (name.endsWith(".gz")) {
      ByteArrayOutputStream packed = new ByteArrayOutputStream();
      try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
        gzip.write(bytes);
      }
      bytes = packed.toByteArray();
    }
    Files.write(file, bytes);
    return new SampleFile(file, form).load();
  }

  private static String value(PreparedEvent event) {
    return new String(event.value(), StandardCharsets.UTF_8);
  }

  @Test
  void typesCsvByTheSchemaAndGoesOnAfterABadRow() throws IOException {
    var loaded =
        load(
            "rides.csv.gz",
            """
            id,at,fare,colour
            a,2001-01-01T00:00:00Z,3.5,red
            b,never,1,blue
            c,978307200001,,"gr""een, dark"
            d,1
            "e",978307200002,much,red
            f,978307200003,NaN,red
            """,
            rides);
    assertThat(loaded.events()).extracting(PreparedEvent::eventId).containsExactly("a", "c", "f");
    assertThat(loaded.events().get(0).eventTimeMillis()).isEqualTo(978307200000L);
    assertThat(value(loaded.events().get(0)))
        .isEqualTo("{\"id\":\"a\",\"at\":978307200000,\"fare\":3.5,\"seats\":4}");
    assertThat(value(loaded.events().get(1))).contains("\"fare\":null");
    assertThat(value(loaded.events().get(2))).contains("\"fare\":NaN");
    assertThat(loaded.badRows()).extracting(BadRow::line).containsExactly(3L, 5L, 6L);
    assertThat(loaded.badRows().get(0).toString())
        .isEqualTo(
            folder.resolve("rides.csv.gz")
                + ":3: no event of source rides: at: it is 'never', expected epoch milliseconds or"
                + " an ISO-8601 time");
    assertThat(loaded.badRows().get(1).reason()).isEqualTo("it has 2 cells, the header 4");
  }

  @Test
  void aStrayQuoteSpoilsItsOwnLine() throws IOException {
    var loaded = load("rides.csv", "id,at\na,1\n\"b\"x,2\nc,3\n", rides);
    assertThat(loaded.events()).extracting(PreparedEvent::eventId).containsExactly("a", "c");
    assertThat(loaded.badRows()).isNotEmpty().allMatch(row -> row.line() == 3);
  }

  @Test
  void typesJsonLines() throws IOException {
    var loaded =
        load(
            "rides.jsonl",
            """
            {"id": "a", "at": 5, "fare": 2, "seats": 2}

            {"id": "b", "at":
            {"id": "c"}
            ["id"]
            {"id": 7, "at": "1970-01-01T00:00:01Z"}
            """,
            rides);
    assertThat(loaded.events()).extracting(PreparedEvent::eventId).containsExactly("a", "7");
    assertThat(value(loaded.events().get(1)))
        .isEqualTo("{\"id\":\"7\",\"at\":1000,\"fare\":null,\"seats\":4}");
    assertThat(loaded.badRows()).extracting(BadRow::line).containsExactly(3L, 4L, 5L);
    assertThat(loaded.badRows().get(1).reason())
        .isEqualTo("at: the row has no such column and the schema gives no default");
  }

  @Test
  void computesAFieldThatTheFileDoesNotHave() throws IOException {
    var loaded = load("ended.csv", "id,at,minutes\na,1970-01-01T00:00:00Z,2\nb,,3\nc,0,x\n", ended);
    assertThat(loaded.events())
        .extracting(PreparedEvent::eventTimeMillis)
        .containsExactly(120_000L);
    assertThat(loaded.badRows()).hasSize(2);
  }

  @Test
  void aComputedTimeMayBeEpochMilliseconds() throws UnfitValueException {
    Project project =
        Definitions.read(
            Map.of(
                "millrace.yaml",
                """
                project: rides
                sources:
                  - {name: ended, schema: ended.avsc, event-id: id, event-time: ended_at}
                """,
                "ended.avsc",
                ENDED.replaceFirst("\"sample\": \".*\"", "\"sample\": \"minutes * 60000\"")));
    EventForm form =
        new EventForm(project, project.source("ended").orElseThrow(), record -> new byte[0]);
    SampleRow row = new SampleRow(1, Map.of("id", "a", "minutes", "3"), null);
    assertThat(form.event(row).eventTimeMillis()).isEqualTo(180_000);
  }

  @Test
  void aColumnGoesBeforeWhatIsComputed() throws IOException {
    var loaded = load("ended.csv", "id,at,minutes,ended_at\na,0,2,77\n", ended);
    assertThat(loaded.events()).extracting(PreparedEvent::eventTimeMillis).containsExactly(77L);
  }

  @Test
  void aGlobNamesFilesBelowTheFolder() throws IOException {
    Files.createDirectories(folder.resolve("data"));
    Files.writeString(folder.resolve("data/rides-2.csv"), "");
    Files.writeString(folder.resolve("data/rides-1.csv"), "");
    Files.writeString(folder.resolve("data/other.csv"), "");
    assertThat(SampleFile.matching(folder, "data/rides*"))
        .containsExactly(folder.resolve("data/rides-1.csv"), folder.resolve("data/rides-2.csv"));
    assertThat(SampleFile.matching(folder, "data/other.csv")).hasSize(1);
    assertThat(SampleFile.matching(folder, "nowhere/*")).isEmpty();
  }

  @Test
  void anUnknownEndingIsSaid() {
    assertThatThrownBy(() -> load("rides.xls", "", rides)).hasMessageContaining(".parquet");
  }
}
