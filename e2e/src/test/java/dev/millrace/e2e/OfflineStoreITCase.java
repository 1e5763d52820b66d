package dev.millrace.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.e2e.FlightFiles.Departure;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.testing.NaiveFlights.Arrival;
import dev.millrace.testing.RowComparison;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.parquet.avro.AvroParquetWriter;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.io.LocalOutputFile;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Training sets of the flights example as a user makes them on a running stack: as logged, as
 * served and as corrected, of the model and of a spine, each value against a naive join; made again
 * from their snapshots, and while the TaskManager is killed.
 */
@Tag("full")
class OfflineStoreITCase {

  private static final String FROM = "2001-01-01T00:00:00Z";
  private static final String TO = "2001-01-04T00:00:00Z";
  private static final String LATER = "2001-01-04T02:00:00Z";
  private static final String SPEED = "4000";
  private static final int SPINE_ROWS = 5_000;
  private static final String JOB = "millrace-flights-training-set";
  private static final long LABEL_WAIT = Duration.ofHours(12).toMillis();

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Path PROJECT = ROOT.resolve("examples/flights");
  private static final Path OUT = ROOT.resolve("e2e/target/offline");
  private static final Stack STACK = new Stack(ROOT, OUT.resolve("stack"), 3900);

  private final List<Departure> departures = new ArrayList<>();
  private final Map<Long, Arrival> arrivals = new HashMap<>();
  private final Map<Long, Long> scoredAt = new HashMap<>();
  private NaiveJoin naive = new NaiveJoin(List.of());
  private long values;

  @BeforeAll
  static void up() throws Exception {
    STACK.run("down", "--wipe");
    STACK.done("up");
    STACK.done("apply", PROJECT.toString());
  }

  @AfterAll
  static void down() throws Exception {
    STACK.done("down");
  }

  @Test
  void setsAreWhatANaiveJoinGives() throws Exception {
    produce(FROM, TO);
    readTables();
    for (String how : List.of("", "--as-served", "--as-corrected")) {
      ofModel(how);
      ofSpine(how);
    }
    Path set = file("model--as-corrected");
    produce(TO, LATER);
    Path again = OUT.resolve("again.parquet");
    trainingSet(again, "delay_risk", "--as-corrected", "--snapshot", set + ".json");
    assertThat(Files.mismatch(again, set)).as("made again from its snapshots").isEqualTo(-1);
    killedOnTheWay(set);
    trainingSet(again, "delay_risk", "--as-corrected");
    assertThat(Files.mismatch(again, set)).as("of what is there now").isNotEqualTo(-1);
  }

  private void killedOnTheWay(Path set) throws Exception {
    Path again = OUT.resolve("killed.parquet");
    // Asked for now: the command takes seconds, and the join does not take many.
    ProcessHandle taskManager = ProcessHandle.of(STACK.pid("flink-taskmanager")).orElseThrow();
    Process join =
        STACK.start(
            "training-set",
            "delay_risk",
            "--as-corrected",
            "--snapshot",
            set + ".json",
            "--out",
            again.toString(),
            "--json");
    Stack.await("the join runs", Duration.ofMinutes(2), () -> runs(JOB));
    taskManager.destroyForcibly();
    JsonNode counts =
        Stack.JSON.readTree(
            new String(join.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    assertThat(join.waitFor()).isZero();
    System.out.println("joined though the TaskManager was killed " + counts);
    assertThat(failuresOfTheLast(JOB)).as("failures of the job").isPositive();
    assertThat(Files.mismatch(again, set)).isEqualTo(-1);
  }

  private void ofModel(String how) throws Exception {
    Path set = file("model" + how);
    JsonNode counts = trainingSet(set, with(how, "delay_risk"));
    Map<String, Map<String, @Nullable String>> rows = new HashMap<>();
    SetRows.each(set, row -> assertThat(rows.put(row.get("event_id"), row)).isNull());
    long until =
        Math.min(
            departures.stream().mapToLong(Departure::departedAt).max().orElseThrow(),
            arrivals.values().stream().mapToLong(Arrival::arrivedAt).max().orElseThrow()
                - LABEL_WAIT);
    Set<String> expected = new HashSet<>();
    Set<String> wrong = new HashSet<>();
    values = 0;
    for (Departure departure : departures) {
      Arrival label = arrivals.get(departure.flight());
      long underway = label == null ? 0 : label.arrivedAt() - departure.departedAt();
      if (departure.departedAt() > until || underway <= 0 || underway > LABEL_WAIT) {
        continue;
      }
      String id = String.valueOf(departure.flight());
      expected.add(id);
      Map<String, @Nullable String> row = rows.get(id);
      assertThat(row).as("flight %s", id).isNotNull();
      if (row == null) {
        continue;
      }
      long known =
          how.equals("--as-served")
              ? scoredAt.getOrDefault(departure.flight(), Long.MIN_VALUE)
              : Long.MAX_VALUE;
      compare(departure, how, known, "_", Double.NaN, row, wrong);
      var at = Instant.ofEpochMilli(departure.departedAt()).atOffset(ZoneOffset.UTC);
      compare(row, "distance", departure.distance(), id, wrong);
      compare(row, "hour", (double) at.getHour(), id, wrong);
      compare(row, "day_of_week", (double) (at.getDayOfWeek().getValue() % 7), id, wrong);
      compare(row, "label", label != null && label.delay() > 15 ? 1.0 : 0.0, id, wrong);
    }
    System.out.printf(
        "training-set delay_risk %s: %d rows, %d values compared; %s%n",
        how, rows.size(), values, counts);
    assertThat(wrong).isEmpty();
    assertThat(rows.keySet()).isEqualTo(expected);
    assertThat(rows).hasSizeGreaterThan(20_000);
  }

  /** Any keys, unknown ones too, at any times; a spine's rows are known when they are. */
  private void ofSpine(String how) throws Exception {
    Path spine = OUT.resolve("asked.parquet");
    List<Departure> asked = spine(spine);
    Path set = file("spine" + how);
    JsonNode counts =
        trainingSet(
            set,
            with(
                how,
                "--spine",
                spine.toString(),
                "--features",
                "origin_delays:*,route_delays:*,destination_delays:*"));
    Map<Long, Map<String, @Nullable String>> rows = new HashMap<>();
    SetRows.each(set, row -> rows.put(Long.parseLong(String.valueOf(row.get("number"))), row));
    Set<String> wrong = new HashSet<>();
    values = 0;
    for (Departure one : asked) {
      Map<String, @Nullable String> row = rows.getOrDefault(one.flight(), Map.of());
      assertThat(row).containsEntry("origin", one.origin());
      long known = how.equals("--as-served") ? one.departedAt() : Long.MAX_VALUE;
      compare(one, how, known, ":", null, row, wrong);
    }
    System.out.printf(
        "training-set --spine %s: %d rows, %d values compared; %s%n",
        how, rows.size(), values, counts);
    assertThat(wrong).isEmpty();
    assertThat(rows).hasSize(SPINE_ROWS);
  }

  private List<Departure> spine(Path file) throws IOException {
    Schema schema =
        SchemaBuilder.record("Asked")
            .fields()
            .requiredLong("number")
            .requiredString("origin")
            .requiredString("destination")
            .name("event_time")
            .type(LogicalTypes.timestampMillis().addToSchema(Schema.create(Schema.Type.LONG)))
            .noDefault()
            .endRecord();
    Files.deleteIfExists(file);
    Random random = new Random(3);
    long from = Instant.parse(FROM).toEpochMilli();
    // Up to a time that every partition has reached, so that refreshes before it have happened.
    long to = Instant.parse(TO).toEpochMilli() - Duration.ofHours(2).toMillis();
    List<Departure> asked = new ArrayList<>();
    try (ParquetWriter<GenericRecord> writer =
        AvroParquetWriter.<GenericRecord>builder(new LocalOutputFile(file))
            .withConf(new PlainParquetConfiguration())
            .withSchema(schema)
            .build()) {
      for (long i = 0; i < SPINE_ROWS; i++) {
        Departure like = departures.get(random.nextInt(departures.size()));
        Departure one =
            new Departure(
                i,
                from + (long) (random.nextDouble() * (to - from)),
                random.nextInt(20) == 0 ? "NOWHERE" : like.origin(),
                like.destination(),
                0);
        asked.add(one);
        GenericRecord row = new GenericData.Record(schema);
        row.put("number", i);
        row.put("origin", one.origin());
        row.put("destination", one.destination());
        row.put("event_time", one.departedAt());
        writer.write(row);
      }
    }
    return asked;
  }

  private void compare(
      Departure at,
      String how,
      long known,
      String joint,
      @Nullable Double missing,
      Map<String, @Nullable String> row,
      Set<String> wrong) {
    NaiveJoin.FEATURES.forEach(
        (view, features) -> {
          String key = NaiveJoin.key(view, at.origin(), at.destination());
          Map<String, @Nullable Double> expected =
              how.equals("--as-corrected")
                  ? naive.corrected(view, key, at.departedAt())
                  : naive.logged(view, key, at.departedAt(), known);
          for (String feature : features) {
            Double value = expected == null ? null : expected.get(feature);
            // A model's input is named by its feature alone where no other view has one like it.
            String column = view + joint + feature;
            compare(
                row,
                row.containsKey(column) ? column : feature,
                value == null ? missing : value,
                at.toString(),
                wrong);
          }
        });
  }

  private void compare(
      Map<String, @Nullable String> row,
      String column,
      @Nullable Double expected,
      String of,
      Set<String> wrong) {
    values++;
    String text = row.get(column);
    Double value = text == null ? null : Double.valueOf(text);
    boolean same =
        (expected != null && expected.isNaN())
            ? value != null && value.isNaN()
            : RowComparison.same(expected, value);
    if ((!same || !row.containsKey(column)) && wrong.size() < 10) {
      wrong.add("%s of %s: is %s, by the naive join %s".formatted(column, of, text, expected));
    }
  }

  private static String[] with(String how, String... words) {
    List<String> line = new ArrayList<>(List.of(words));
    if (!how.isEmpty()) {
      line.add(how);
    }
    return line.toArray(String[]::new);
  }

  private static JsonNode trainingSet(Path out, String... words) throws Exception {
    List<String> line = new ArrayList<>(List.of("training-set"));
    line.addAll(List.of(words));
    line.addAll(List.of("--out", out.toString(), "--json"));
    return STACK.done(line.toArray(String[]::new)).json();
  }

  private static Path file(String name) {
    return OUT.resolve(name + ".parquet");
  }

  private static void produce(String from, String to) throws Exception {
    long arrived = total("events_arrivals");
    long departed = total("events_departures");
    JsonNode counts =
        STACK
            .done(
                "produce",
                "--all",
                PROJECT.toString(),
                "--from",
                from,
                "--to",
                to,
                "--speed",
                SPEED,
                "--json")
            .json();
    System.out.println("produced " + counts);
    long arrivals = arrived + counts.path("by_source").path("arrivals").asLong();
    long departures = departed + counts.path("by_source").path("departures").asLong();
    Stack.await(
        "everything is archived",
        Duration.ofMinutes(4),
        () ->
            total("events_arrivals") == arrivals
                && total("events_departures") == departures
                && total("predictions_delay_risk") == departures);
    awaitStill();
  }

  private void readTables() throws IOException {
    Map<Long, FlightFiles.Place> places = new HashMap<>();
    each(
        "events_arrivals",
        row -> {
          assertThat(String.valueOf(row.get("_verdict"))).isEqualTo("OK");
          places.put(
              (Long) row.get("flight_id"),
              new FlightFiles.Place((Integer) row.get("_partition"), (Long) row.get("_offset")));
        });
    Set<Long> departed = new HashSet<>();
    each("events_departures", row -> departed.add((Long) row.get("flight_id")));
    List<Path> files = FlightFiles.weeks(PROJECT, 1);
    List<Arrival> found = FlightFiles.arrivals(files, places);
    found.forEach(arrival -> arrivals.put(arrival.flight(), arrival));
    departures.addAll(FlightFiles.departures(files, departed));
    assertThat(arrivals).hasSameSizeAs(places);
    assertThat(departures).hasSameSizeAs(departed);
    each(
        "predictions_delay_risk",
        row ->
            scoredAt.merge(
                Long.valueOf(String.valueOf(row.get("event_id"))),
                ((Instant) row.get("scored_at")).toEpochMilli(),
                Math::min));
    naive = new NaiveJoin(found);
    for (String view : NaiveJoin.FEATURES.keySet()) {
      each("features_" + view, row -> naive.logged(view, row));
    }
    naive.complete();
  }

  private static void each(String table, Consumer<GenericRecord> each) throws IOException {
    try (JdbcCatalog catalog = Warehouse.open(target())) {
      WarehouseRows.each(catalog.loadTable(TableIdentifier.of("flights", table)), each);
    }
  }

  private static long total(String table) {
    try {
      return WarehouseRows.total(target(), TableIdentifier.of("flights", table));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits until no table of features has grown for some checkpoints. */
  private static void awaitStill() {
    Stack.awaitStill(
        () -> NaiveJoin.FEATURES.keySet().stream().mapToLong(v -> total("features_" + v)).sum());
  }

  /** Whether a task of a job runs. */
  private static boolean runs(String job) {
    try {
      for (JsonNode entry : STACK.flink("/jobs/overview").path("jobs")) {
        if (entry.path("name").asText().equals(job)
            && entry.path("tasks").path("running").asInt() > 0) {
          return true;
        }
      }
      return false;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private static int failuresOfTheLast(String job) throws Exception {
    JsonNode last = null;
    for (JsonNode entry : STACK.flink("/jobs/overview").path("jobs")) {
      if (entry.path("name").asText().equals(job)
          && (last == null
              || entry.path("start-time").asLong() > last.path("start-time").asLong())) {
        last = entry;
      }
    }
    assertThat(last).isNotNull();
    return last == null
        ? 0
        : STACK
            .flink("/jobs/" + last.path("jid").asText() + "/exceptions")
            .path("exceptionHistory")
            .path("entries")
            .size();
  }

  private static Target target() throws IOException {
    return STACK.target();
  }
}
