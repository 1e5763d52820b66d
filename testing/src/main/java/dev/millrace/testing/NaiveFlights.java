package dev.millrace.testing;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Recomputes rows of the flights example from its arrivals: plain loops, sharing no code with the
 * pipeline. A row is recomputed from its entity key, its T and its positions alone.
 */
public final class NaiveFlights {

  private static final Pattern WINDOWED =
      Pattern.compile("(?:(count)|delay_(sum|mean|min|max|stddev|last))_(\\d+)([mhd])");

  /** An arrival as the files have it, and where it lies in its topic. */
  public record Arrival(
      long flight,
      long arrivedAt,
      String origin,
      String destination,
      double delay,
      int partition,
      long offset) {}

  private final Map<String, Arrival[]> byOrigin;
  private final Map<String, Arrival[]> byDestination;
  private final Map<String, Arrival[]> byRoute;

  /** Arrivals that were accepted; a late one counts nowhere, so it is not among them. */
  public NaiveFlights(List<Arrival> arrivals) {
    byOrigin = grouped(arrivals, Arrival::origin);
    byDestination = grouped(arrivals, Arrival::destination);
    byRoute = grouped(arrivals, a -> a.origin() + "~" + a.destination());
  }

  /**
   * One value of a row.
   *
   * @param positions the largest included offset of each partition; -1 where there is none
   * @return null where the feature has no value
   */
  public @Nullable Double value(
      String view, String entityKey, long time, long[] positions, String feature) {
    Arrival[] all =
        switch (view) {
          case "origin_delays" -> byOrigin.get(entityKey);
          case "destination_delays" -> byDestination.get(entityKey);
          case "route_delays" -> byRoute.get(entityKey);
          default -> throw new IllegalArgumentException("unknown view " + view);
        };
    if (all == null) {
      throw new IllegalArgumentException("no arrival of " + view + " " + entityKey);
    }
    if (feature.equals("delay_last")) {
      for (int i = last(all, time); i >= 0; i--) {
        if (all[i].offset <= positions[all[i].partition]) {
          return all[i].delay;
        }
      }
      return null;
    }
    Matcher name = WINDOWED.matcher(feature);
    if (!name.matches()) {
      throw new IllegalArgumentException("unknown feature " + feature);
    }
    String function = name.group(1) == null ? name.group(2) : name.group(1);
    long window = window(Long.parseLong(name.group(3)), name.group(4));
    double[] delays = new double[16];
    int n = 0;
    for (int i = last(all, time); i >= 0 && all[i].arrivedAt > time - window; i--) {
      if (all[i].offset <= positions[all[i].partition]) {
        if (n == delays.length) {
          delays = Arrays.copyOf(delays, n * 2);
        }
        delays[n++] = all[i].delay;
      }
    }
    return computed(function, Arrays.copyOf(delays, n));
  }

  /** {@code delays} newest first. */
  private static @Nullable Double computed(String function, double[] delays) {
    if (function.equals("count")) {
      return (double) delays.length;
    }
    if (delays.length == 0) {
      return null;
    }
    double sum = Arrays.stream(delays).sum();
    double mean = sum / delays.length;
    return switch (function) {
      case "sum" -> sum;
      case "mean" -> mean;
      case "min" -> Arrays.stream(delays).min().orElseThrow();
      case "max" -> Arrays.stream(delays).max().orElseThrow();
      case "last" -> delays[0];
      case "stddev" ->
          delays.length < 2
              ? null
              : Math.sqrt(
                  Arrays.stream(delays).map(d -> (d - mean) * (d - mean)).sum()
                      / (delays.length - 1));
      default -> throw new IllegalArgumentException("unknown function " + function);
    };
  }

  /** The index of the last arrival at or before the time. */
  private static int last(Arrival[] all, long time) {
    int low = 0;
    int high = all.length;
    while (low < high) {
      int middle = (low + high) / 2;
      if (all[middle].arrivedAt <= time) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - 1;
  }

  private static long window(long number, String unit) {
    return switch (unit) {
      case "m" -> Duration.ofMinutes(number).toMillis();
      case "h" -> Duration.ofHours(number).toMillis();
      default -> Duration.ofDays(number).toMillis();
    };
  }

  private static Map<String, Arrival[]> grouped(
      List<Arrival> arrivals, Function<Arrival, String> key) {
    Map<String, List<Arrival>> lists = new HashMap<>();
    for (Arrival arrival : arrivals) {
      lists.computeIfAbsent(key.apply(arrival), k -> new ArrayList<>()).add(arrival);
    }
    Map<String, Arrival[]> groups = new HashMap<>();
    lists.forEach(
        (k, list) -> {
          list.sort(
              Comparator.comparingLong(Arrival::arrivedAt)
                  .thenComparingInt(Arrival::partition)
                  .thenComparingLong(Arrival::offset));
          groups.put(k, list.toArray(Arrival[]::new));
        });
    return groups;
  }
}
