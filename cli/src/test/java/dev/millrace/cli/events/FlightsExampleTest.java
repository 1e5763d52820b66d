package dev.millrace.cli.events;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cli.Checkout;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;

/** The example that is shipped: its definition and its files belong together. */
class FlightsExampleTest {
  private static final Path FOLDER = Checkout.root().resolve("examples/flights");
  private final Project project = Definitions.read(FOLDER);
  private long rows;

  @Test
  void isWholeAndBuilt() {
    assertThat(project.unbuilt()).isEmpty();
    Model model = project.model("delay_risk").orElseThrow();
    assertThat(model.inputs()).hasSize(15);
  }

  @Test
  void departuresHoldNothingOfTheArrival() {
    Source departures = project.source("departures").orElseThrow();
    assertThat(departures.schema().getFields())
        .extracting(Schema.Field::name)
        .containsExactly("flight_id", "departed_at", "origin", "destination", "distance");
  }

  @Test
  void bothStreamsComeFromTheSameFiles() throws IOException {
    for (Source source : project.sources()) {
      List<Path> files = SampleFile.matching(FOLDER, Objects.requireNonNull(source.samples()));
      assertThat(files).hasSize(26);
    }
  }

  @Test
  void theTimeOfArrivalFollowsFromTheDeparture() throws IOException {
    Source arrivals = project.source("arrivals").orElseThrow();
    Path file = FOLDER.resolve("data/flights-week-26.parquet");
    EventForm form =
        new EventForm(
            project,
            arrivals,
            record -> {
              checkDelay(record);
              return new byte[0];
            });
    try (SampleReader reader = SampleReader.open(file)) {
      for (SampleRow row = reader.next(); row != null; row = reader.next()) {
        PreparedEvent event = event(form, row);
        long departed =
            ((Instant) Objects.requireNonNull(row.values().get("departed_at"))).toEpochMilli();
        int distance = (Integer) Objects.requireNonNull(row.values().get("distance"));
        int delay = (Integer) Objects.requireNonNull(row.values().get("delay"));
        double minutes = Math.max(20, 30 + distance / 8.0 + delay);
        assertThat(event.eventTimeMillis()).isEqualTo(departed + Math.round(minutes * 60_000));
        rows++;
      }
    }
    assertThat(rows).isEqualTo(102_704);
  }

  private static PreparedEvent event(EventForm form, SampleRow row) {
    try {
      return form.event(row);
    } catch (UnfitValueException e) {
      throw new AssertionError(e);
    }
  }

  private static void checkDelay(GenericRecord record) {
    assertThat((Integer) record.get("delay")).isGreaterThanOrEqualTo(-60);
  }
}
