package dev.millrace.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import dev.millrace.streaming.StrictEnvironment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.CloseableIterator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Views over views in the whole graph, against a naive computation over the lists of rows. */
class DerivedViewITCase {

  private static final long MINUTE = 60_000;
  private static final long HOUR = 60 * MINUTE;
  private static final int EVENTS = 3_000;
  private static final int PARTITIONS = 3;

  private static final Map<String, String> FILES =
      Map.of(
          "millrace.yaml",
          """
          project: flights
          sources:
            - {name: arrivals, schema: arrival.avsc, event-id: id, event-time: at, max-out-of-orderness: 20m, archive: false}
          entities:
            - {name: route, keys: [origin, destination]}
            - {name: origin, keys: [origin]}
          feature-views:
            - name: worst_routes
              entity: origin
              source: route_delays
              filter: "count_1h > 1"
              aggregations:
                - {function: count, windows: [2h]}
                - {function: max, column: delay_sum_1h, windows: [2h]}
                - {function: last, column: count_1h}
            - name: worst_changes
              entity: origin
              source: worst_routes
              aggregations:
                - {function: count, windows: [1h]}
                - {function: first, column: delay_sum_1h_max_2h, windows: [1h]}
            - name: route_delays
              entity: route
              source: arrivals
              aggregations:
                - {function: count, windows: [1h]}
                - {function: sum, column: delay, windows: [1h]}
          """,
          "arrival.avsc",
          """
          {"type": "record", "name": "Arrival", "fields": [
            {"name": "id", "type": "string"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "origin", "type": "string"},
            {"name": "destination", "type": "string"},
            {"name": "delay", "type": "int"}]}
          """);

  /** What the source operator emits; it runs in this process. */
  private static final Map<Long, List<Flight>> FLIGHTS = new ConcurrentHashMap<>();

  private record Flight(
      int partition, long offset, long time, String origin, String destination, int delay) {}

  /** A row as the naive computation knows it; {@code offset} is what the position ends with. */
  private record Row(
      String entity, long time, int partition, long offset, List<@Nullable Object> values) {}

  private static final Comparator<Row> ORDER =
      Comparator.comparingLong(Row::time)
          .thenComparingInt(Row::partition)
          .thenComparingLong(Row::offset);

  @Test
  void rowsOfRowsAreThoseOfTheirDefinition() throws Exception {
    for (long seed = 1; seed <= 3; seed++) {
      List<Flight> flights = flights(seed);
      FLIGHTS.put(seed, flights);
      Map<String, List<FeatureRow>> rows = run(seed);

      List<Row> routes = routes(flights);
      List<Row> worst = worst(routes);
      List<Row> changes = changes(worst);
      assertThat(worst).hasSizeGreaterThan(EVENTS / 10);
      assertSame(rows, "route_delays", routes);
      assertSame(rows, "worst_routes", worst);
      assertSame(rows, "worst_changes", changes);
    }
  }

  private static void assertSame(
      Map<String, List<FeatureRow>> rows, String view, List<Row> expected) {
    List<String> found =
        Objects.requireNonNull(rows.get(view)).stream()
            .filter(r -> !r.refresh())
            .map(r -> r.entityKey() + " " + r.timeMillis() + " " + values(r))
            .sorted()
            .toList();
    assertThat(found)
        .as(view)
        .containsExactlyElementsOf(
            expected.stream().map(r -> r.entity + " " + r.time + " " + r.values).sorted().toList());
  }

  private static String values(FeatureRow row) {
    List<@Nullable Object> values = new ArrayList<>();
    for (Object value : row.values()) {
      values.add(value);
    }
    return values.toString();
  }

  /** Up to 20 minutes out of order in each partition; the partitions come interleaved. */
  private static List<Flight> flights(long seed) {
    Random random = new Random(seed);
    List<Flight> flights = new ArrayList<>();
    long[] offsets = new long[PARTITIONS];
    for (int i = 0; i < EVENTS; i++) {
      String origin = "o" + random.nextInt(4);
      String destination = "d~" + random.nextInt(3);
      // A route's flights lie in several partitions.
      int partition = random.nextInt(PARTITIONS);
      long time = 10 * HOUR + i * 20_000L - random.nextInt(5) * 3L * MINUTE;
      flights.add(
          new Flight(
              partition, offsets[partition]++, time, origin, destination, random.nextInt(90)));
    }
    return flights;
  }

  private static List<Row> routes(List<Flight> flights) {
    Map<String, List<Flight>> byRoute = new HashMap<>();
    List<Row> rows = new ArrayList<>();
    for (Flight flight : flights) {
      String route = flight.origin + "~" + flight.destination.replace("~", "%7E");
      List<Flight> all = byRoute.computeIfAbsent(route, k -> new ArrayList<>());
      all.add(flight);
      long at = all.stream().mapToLong(Flight::time).max().orElseThrow();
      List<Flight> window = all.stream().filter(f -> f.time > at - HOUR && f.time <= at).toList();
      Double sum =
          window.isEmpty() ? null : (Double) (double) window.stream().mapToInt(Flight::delay).sum();
      List<@Nullable Object> values = new ArrayList<>();
      values.add((long) window.size());
      values.add(sum);
      rows.add(new Row(route, at, flight.partition, flight.offset, values));
    }
    return rows;
  }

  private static List<Row> worst(List<Row> routes) {
    Map<String, List<Row>> byOrigin = new TreeMap<>();
    for (Row row : routes) {
      if ((Long) Objects.requireNonNull(row.values.get(0)) > 1) {
        byOrigin
            .computeIfAbsent(
                row.entity.substring(0, row.entity.indexOf('~')), k -> new ArrayList<>())
            .add(row);
      }
    }
    List<Row> rows = new ArrayList<>();
    byOrigin.forEach(
        (origin, all) -> {
          all.sort(ORDER);
          for (int i = 0; i < all.size(); i++) {
            long at = all.get(i).time;
            List<Row> window =
                all.subList(0, i + 1).stream().filter(r -> r.time > at - 2 * HOUR).toList();
            List<@Nullable Object> values = new ArrayList<>();
            values.add((long) window.size());
            values.add(
                window.stream().mapToDouble(r -> (Double) r.values.get(1)).max().orElseThrow());
            values.add(all.get(i).values.get(0));
            rows.add(new Row(origin, at, 0, i, values));
          }
        });
    return rows;
  }

  private static List<Row> changes(List<Row> worst) {
    Map<String, List<Row>> byOrigin = new TreeMap<>();
    worst.forEach(r -> byOrigin.computeIfAbsent(r.entity, k -> new ArrayList<>()).add(r));
    List<Row> rows = new ArrayList<>();
    byOrigin.forEach(
        (origin, all) -> {
          for (int i = 0; i < all.size(); i++) {
            long at = all.get(i).time;
            List<Row> window =
                all.subList(0, i + 1).stream().filter(r -> r.time > at - HOUR).toList();
            List<@Nullable Object> values = new ArrayList<>();
            values.add((long) window.size());
            values.add(window.get(0).values.get(1));
            rows.add(new Row(origin, at, 0, i, values));
          }
        });
    return rows;
  }

  private static Map<String, List<FeatureRow>> run(long seed) throws Exception {
    Project project = Definitions.read(FILES);
    assertThat(project.unbuilt()).isEmpty();
    StreamExecutionEnvironment env = StrictEnvironment.create();
    env.setParallelism(2);
    Collected ends = new Collected(seed);
    FeaturePipelineJob.define(env, project, ends);
    var unusedJob = env.executeAsync();
    Map<String, List<FeatureRow>> rows = new HashMap<>();
    for (Map.Entry<String, CloseableIterator<FeatureRow>> view : ends.rows.entrySet()) {
      List<FeatureRow> all = new ArrayList<>();
      view.getValue().forEachRemaining(all::add);
      rows.put(view.getKey(), all);
    }
    return rows;
  }

  /** All flights from one task, with time that is as far as the slowest partition. */
  private static final class Collected implements FeaturePipelineJob.Ends {
    private final long seed;
    private final Map<String, CloseableIterator<FeatureRow>> rows = new HashMap<>();

    Collected(long seed) {
      this.seed = seed;
    }

    @Override
    public DataStream<Inbound> events(StreamExecutionEnvironment env, SourcePlan plan) {
      return env.fromSequence(seed, seed)
          .uid("seed")
          .<Inbound>flatMap(
              (from, out) ->
                  Objects.requireNonNull(FLIGHTS.get(from)).forEach(f -> out.collect(inbound(f))))
          .returns(Serializers.INBOUND)
          .uid("flights")
          .assignTimestampsAndWatermarks(
              WatermarkStrategy.<Inbound>forGenerator(
                      context -> new Slowest(plan.maxOutOfOrdernessMillis()))
                  .withTimestampAssigner(
                      (inbound, t) -> Objects.requireNonNull(inbound.event()).eventTimeMillis()))
          .uid("time");
    }

    private static Inbound inbound(Flight f) {
      String id = f.partition + "-" + f.offset;
      Object[] values = {id, f.time, f.origin, f.destination, f.delay};
      return new Inbound(
          new Event(f.partition, f.offset, f.time, f.time, id, values, null, null), null);
    }

    @Override
    public void rows(FeatureView view, DataStream<FeatureRow> stream) {
      rows.put(view.name(), stream.collectAsync());
    }

    @Override
    public void archive(Source source, DataStream<ArchivedEvent> events) {
      throw new AssertionError("no source here is archived");
    }

    @Override
    public void letters(DataStream<DeadLetter> letters) {
      letters
          .<DeadLetter>map(
              letter -> {
                throw new AssertionError("no letter was expected, but " + letter);
              })
          .returns(Serializers.DEAD_LETTER)
          .uid("no-letters")
          .sinkTo(new DiscardingSink<>())
          .uid("letters");
    }
  }

  /** After each event, so that the graph sees much time pass. */
  private static final class Slowest implements WatermarkGenerator<Inbound> {
    private final long lagMillis;
    private final long[] largest = new long[PARTITIONS];

    Slowest(long lagMillis) {
      this.lagMillis = lagMillis;
    }

    @Override
    public void onEvent(Inbound inbound, long timeMillis, WatermarkOutput output) {
      int partition = Objects.requireNonNull(inbound.event()).partition();
      largest[partition] = Math.max(largest[partition], timeMillis);
      long slowest = Math.min(largest[0], Math.min(largest[1], largest[2]));
      output.emitWatermark(new Watermark(slowest - lagMillis - 1));
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {}
  }
}
