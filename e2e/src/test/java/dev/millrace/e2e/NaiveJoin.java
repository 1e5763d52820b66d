package dev.millrace.e2e;

import dev.millrace.testing.NaiveFlights;
import dev.millrace.testing.NaiveFlights.Arrival;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * Which features of the flights example hold at a time, by plain reading of the logs and of the
 * arrivals; shares no code with the join. A row's life is a week at least, so none of a few days'
 * rows is over.
 */
final class NaiveJoin {

  static final Map<String, List<String>> FEATURES =
      Map.of(
          "origin_delays",
          List.of("count_3h", "delay_mean_1h", "delay_mean_3h", "delay_mean_24h", "delay_last"),
          "destination_delays",
          List.of("delay_mean_1h", "delay_mean_3h", "delay_stddev_3h"),
          "route_delays",
          List.of("delay_mean_6h", "delay_mean_24h", "delay_max_24h", "delay_last"));

  private static final long REFRESH = 300_000;
  private static final long[] ALL = {
    Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE
  };

  /** A row of a log; the sum of its offsets grows from row to row of an entity. */
  private record Logged(long time, long sum, long knownAt, Map<String, @Nullable Double> values) {}

  private final NaiveFlights naive;
  private final Map<String, List<Long>> times = new HashMap<>();
  private final Map<String, List<Logged>> logs = new HashMap<>();

  NaiveJoin(List<Arrival> accepted) {
    naive = new NaiveFlights(accepted);
    for (Arrival arrival : accepted) {
      for (String view : FEATURES.keySet()) {
        String key = key(view, arrival.origin(), arrival.destination());
        times.computeIfAbsent(view + " " + key, k -> new ArrayList<>()).add(arrival.arrivedAt());
      }
    }
  }

  static String key(String view, String origin, String destination) {
    return switch (view) {
      case "origin_delays" -> origin;
      case "destination_delays" -> destination;
      default -> origin + "~" + destination;
    };
  }

  /** Takes a row of a view's table. */
  void logged(String view, GenericRecord row) {
    Map<String, @Nullable Double> values = new LinkedHashMap<>();
    for (String feature : FEATURES.getOrDefault(view, List.of())) {
      Object value = row.get(feature);
      values.put(feature, value == null ? null : ((Number) value).doubleValue());
    }
    long sum =
        Arrays.stream(String.valueOf(row.get("_source")).split(",", -1))
            .mapToLong(place -> Long.parseLong(place.substring(place.indexOf(':') + 1)) + 1)
            .sum();
    logs.computeIfAbsent(view + " " + row.get("entity_key"), k -> new ArrayList<>())
        .add(
            new Logged(
                ((Instant) row.get("_time")).toEpochMilli(),
                sum,
                ((Instant) row.get("known_at")).toEpochMilli(),
                values));
  }

  /** Brings the rows into the order in which they were written, once all are there. */
  void complete() {
    logs.values()
        .forEach(
            log ->
                log.sort(
                    Comparator.comparingLong(Logged::time)
                        .thenComparingLong(Logged::sum)
                        .thenComparingLong(Logged::knownAt)));
  }

  /**
   * The features of the last row of the log that is not of a later time.
   *
   * @param knownUntil rows that were known later do not count
   * @return null where there is no row
   */
  @Nullable Map<String, @Nullable Double> logged(
      String view, String key, long time, long knownUntil) {
    Logged last = null;
    for (Logged row : logs.getOrDefault(view + " " + key, List.of())) {
      if (row.time <= time && row.knownAt <= knownUntil) {
        last = row;
      }
    }
    return last == null ? null : last.values;
  }

  /**
   * The features by all arrivals up to a time, as the last refresh up to it left them.
   *
   * @return null where nothing had arrived
   */
  @Nullable Map<String, @Nullable Double> corrected(String view, String key, long time) {
    long last = Long.MIN_VALUE;
    for (long arrivedAt : times.getOrDefault(view + " " + key, List.of())) {
      if (arrivedAt <= time && arrivedAt > last) {
        last = arrivedAt;
      }
    }
    if (last == Long.MIN_VALUE) {
      return null;
    }
    long rowTime = Math.max(last, Math.floorDiv(time, REFRESH) * REFRESH);
    Map<String, @Nullable Double> values = new LinkedHashMap<>();
    for (String feature : FEATURES.getOrDefault(view, List.of())) {
      values.put(feature, naive.value(view, key, rowTime, ALL, feature));
    }
    return values;
  }
}
