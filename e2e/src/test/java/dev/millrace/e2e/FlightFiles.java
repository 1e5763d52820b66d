package dev.millrace.e2e;

import dev.millrace.testing.NaiveFlights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.avro.generic.GenericRecord;
import org.apache.parquet.avro.AvroParquetReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.io.LocalInputFile;

/** The files of the flights example, read by Parquet's own reader. */
final class FlightFiles {

  private static final long MINUTE = 60_000;

  /** A departure as the files have it. */
  record Departure(
      long flight, long departedAt, String origin, String destination, double distance) {}

  /** Where a flight's arrival lies in the topic, as the archive says. */
  record Place(int partition, long offset) {}

  /**
   * Reads the files of the example; an arrival that the archive does not have is left out. When a
   * flight arrives is computed here from what the example's description says.
   */
  static List<NaiveFlights.Arrival> arrivals(List<Path> files, Map<Long, Place> places)
      throws IOException {
    List<NaiveFlights.Arrival> arrivals = new ArrayList<>();
    for (Path file : files) {
      try (ParquetReader<GenericRecord> rows =
          AvroParquetReader.<GenericRecord>builder(new LocalInputFile(file)).build()) {
        for (GenericRecord row = rows.read(); row != null; row = rows.read()) {
          long flight = ((Number) row.get("flight_id")).longValue();
          Place place = places.get(flight);
          if (place == null) {
            continue;
          }
          long departed = ((Instant) row.get("departed_at")).toEpochMilli();
          long distance = ((Number) row.get("distance")).longValue();
          long delay = ((Number) row.get("delay")).longValue();
          long underway = 30 * MINUTE + distance * MINUTE / 8 + delay * MINUTE;
          arrivals.add(
              new NaiveFlights.Arrival(
                  flight,
                  departed + Math.max(20 * MINUTE, underway),
                  String.valueOf(row.get("origin")),
                  String.valueOf(row.get("destination")),
                  delay,
                  place.partition(),
                  place.offset()));
        }
      }
    }
    return arrivals;
  }

  /** Reads the departures of some flights. */
  static List<Departure> departures(List<Path> files, Set<Long> flights) throws IOException {
    List<Departure> departures = new ArrayList<>();
    for (Path file : files) {
      try (ParquetReader<GenericRecord> rows =
          AvroParquetReader.<GenericRecord>builder(new LocalInputFile(file)).build()) {
        for (GenericRecord row = rows.read(); row != null; row = rows.read()) {
          long flight = ((Number) row.get("flight_id")).longValue();
          if (flights.contains(flight)) {
            departures.add(
                new Departure(
                    flight,
                    ((Instant) row.get("departed_at")).toEpochMilli(),
                    String.valueOf(row.get("origin")),
                    String.valueOf(row.get("destination")),
                    ((Number) row.get("distance")).doubleValue()));
          }
        }
      }
    }
    return departures;
  }

  /** The files of the first weeks. */
  static List<Path> weeks(Path project, int weeks) throws IOException {
    try (Stream<Path> listed = Files.list(project.resolve("data"))) {
      return listed.filter(f -> f.toString().endsWith(".parquet")).sorted().limit(weeks).toList();
    }
  }

  private FlightFiles() {}
}
