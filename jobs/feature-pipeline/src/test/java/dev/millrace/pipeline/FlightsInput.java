package dev.millrace.pipeline;

import dev.millrace.streaming.Event;
import dev.millrace.testing.NaiveFlights.Arrival;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.iceberg.shaded.org.apache.parquet.column.page.PageReadStore;
import org.apache.iceberg.shaded.org.apache.parquet.example.data.Group;
import org.apache.iceberg.shaded.org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.iceberg.shaded.org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.iceberg.shaded.org.apache.parquet.io.ColumnIOFactory;
import org.apache.iceberg.shaded.org.apache.parquet.io.LocalInputFile;
import org.apache.iceberg.shaded.org.apache.parquet.io.RecordReader;
import org.apache.iceberg.shaded.org.apache.parquet.schema.MessageType;
import org.apache.kafka.common.utils.Utils;

/**
 * Arrivals of the flights example as {@code produce} would have put them into their topic, in the
 * order in which they are read. When a flight arrives and what is late is computed here from what
 * the example and the definition say.
 */
final class FlightsInput {

  static final int PARTITIONS = 4;

  private static final long MINUTE = 60_000;
  private static final long OUT_OF_ORDER = 10 * MINUTE;
  private static final long START = Instant.parse("2001-01-01T00:00:00Z").toEpochMilli();

  /** A flight of the files, and when its arrival is sent. */
  private record Flight(
      long id,
      long arrivedAt,
      long sentAt,
      String origin,
      String destination,
      int distance,
      int delay) {

    int partition() {
      byte[] key = String.valueOf(id).getBytes(StandardCharsets.UTF_8);
      return Utils.toPositive(Utils.murmur2(key)) % PARTITIONS;
    }

    Flight sent(long millis) {
      return new Flight(id, arrivedAt, millis, origin, destination, distance, delay);
    }
  }

  private final List<Event> events = new ArrayList<>();
  private final List<Arrival> accepted = new ArrayList<>();
  private final Map<Integer, Long> largest = new HashMap<>();
  private int late;

  private FlightsInput(List<Flight> sent) {
    long[] offsets = new long[PARTITIONS];
    for (Flight flight : sent) {
      add(flight, flight.partition(), offsets[flight.partition()]++);
    }
  }

  /** The arrivals of the first days in the order of event time, of one time by partition. */
  static FlightsInput inOrder(Duration length) throws IOException {
    List<Flight> flights = flights(START + length.toMillis());
    flights.sort(
        Comparator.comparingLong(Flight::arrivedAt)
            .thenComparingInt(Flight::partition)
            .thenComparingLong(Flight::id));
    return new FlightsInput(flights);
  }

  /**
   * The same arrivals, of which a quarter is sent up to ten minutes too late, as the source allows,
   * and one of a hundred later than that; and each partition is a minute behind the one before it.
   */
  static FlightsInput outOfOrder(Duration length, Random random) throws IOException {
    List<Flight> flights = new ArrayList<>();
    for (Flight flight : flights(START + length.toMillis())) {
      int dice = random.nextInt(100);
      long behind =
          dice == 0
              ? OUT_OF_ORDER + random.nextInt((int) (50 * MINUTE))
              : dice < 25 ? random.nextInt((int) OUT_OF_ORDER) : 0;
      flights.add(flight.sent(flight.arrivedAt + behind + flight.partition() * MINUTE));
    }
    flights.sort(Comparator.comparingLong(Flight::sentAt).thenComparingLong(Flight::id));
    return new FlightsInput(flights);
  }

  private void add(Flight flight, int partition, long offset) {
    Object[] values = {
      flight.id, flight.arrivedAt, flight.origin, flight.destination, flight.distance, flight.delay
    };
    events.add(
        new Event(
            partition,
            offset,
            flight.arrivedAt,
            flight.arrivedAt,
            String.valueOf(flight.id),
            values,
            null,
            null));
    long before = largest.getOrDefault(partition, Long.MIN_VALUE / 2);
    largest.put(partition, Math.max(before, flight.arrivedAt));
    if (before - flight.arrivedAt > OUT_OF_ORDER) {
      late++;
    } else {
      accepted.add(
          new Arrival(
              flight.id,
              flight.arrivedAt,
              flight.origin,
              flight.destination,
              flight.delay,
              partition,
              offset));
    }
  }

  /** What is read, in this order. */
  List<Event> events() {
    return events;
  }

  /** What counts in features. */
  List<Arrival> accepted() {
    return accepted;
  }

  int late() {
    return late;
  }

  /** What the stream's watermark is when all is read: every partition has passed it. */
  long watermark() {
    return largest.values().stream().mapToLong(Long::longValue).min().orElseThrow()
        - OUT_OF_ORDER
        - 1;
  }

  private static List<Flight> flights(long until) throws IOException {
    List<Path> files;
    try (Stream<Path> listed = Files.list(Path.of("../../examples/flights/data"))) {
      files = listed.filter(f -> f.toString().endsWith(".parquet")).sorted().toList();
    }
    List<Flight> flights = new ArrayList<>();
    for (Path file : files) {
      int before = flights.size();
      read(file, until, flights);
      if (flights.size() == before) {
        break;
      }
    }
    return flights;
  }

  private static void read(Path file, long until, List<Flight> into) throws IOException {
    try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(file))) {
      MessageType schema = reader.getFileMetaData().getSchema();
      PageReadStore pages = reader.readNextRowGroup();
      while (pages != null) {
        RecordReader<Group> records =
            new ColumnIOFactory()
                .getColumnIO(schema)
                .getRecordReader(pages, new GroupRecordConverter(schema));
        for (long i = 0; i < pages.getRowCount(); i++) {
          Group row = records.read();
          int distance = row.getInteger("distance", 0);
          int delay = row.getInteger("delay", 0);
          long underway = 30 * MINUTE + distance * MINUTE / 8 + delay * MINUTE;
          long arrived = row.getLong("departed_at", 0) + Math.max(20 * MINUTE, underway);
          if (arrived < until) {
            into.add(
                new Flight(
                    row.getLong("flight_id", 0),
                    arrived,
                    arrived,
                    row.getString("origin", 0),
                    row.getString("destination", 0),
                    distance,
                    delay));
          }
        }
        pages = reader.readNextRowGroup();
      }
    }
  }
}
