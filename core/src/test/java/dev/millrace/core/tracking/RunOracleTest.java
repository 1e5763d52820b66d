package dev.millrace.core.tracking;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.TrackingEntry.Command;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random commands to a run, decided by the rules and by a second implementation of plain lists. */
class RunOracleTest {

  private static final String ID = "0123456789abcdef0123456789abcdef";
  private static final int STEPS = 500;
  private static final double[] VALUES = {
    Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 0.0, -0.0, 1.5, -2.5
  };
  private static final List<String> NAMES =
      List.of("a", "b/c", "d e", "x", "", "/x", "x/", "x//y", "../x", "a/./b", "tab\tname");

  /** One that is logged. */
  private record Point(String key, double value, long timestamp, long step) {}

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void bothDecideAlike(long seed) {
    Random random = new Random(seed);
    Naive naive = new Naive();
    Points points = new Points();
    RunState state = RunState.empty();
    RunMetrics metrics = RunMetrics.NONE;
    List<TrackingEntry> events = new ArrayList<>();
    Map<String, Integer> seen = new TreeMap<>();
    for (int step = 0; step < STEPS; step++) {
      Asked asked = asked(random, step);
      Optional<TrackingEntry> event = RunRules.decide(state, points, asked.command(), step);
      assertThat(event.map(TrackingEntry::type).orElse("NOTHING"))
          .as("%s", asked)
          .isEqualTo(naive.take(asked));
      event.ifPresent(e -> seen.merge(e.type(), 1, Integer::sum));
      if (event.isPresent()) {
        events.add(event.get());
        state = state.apply(event.get());
        metrics = metrics.apply(event.get());
        points.add(event.get());
      }
      naive.compare(state, metrics);
    }
    RunState again = RunState.empty();
    for (TrackingEntry event : events) {
      again = again.apply(event).apply(event);
    }
    assertThat(again).isEqualTo(state);
    Run run = Objects.requireNonNull(state.run());
    assertThat(LifecycleJson.read(LifecycleJson.write(run), Run.class)).isEqualTo(run);
    assertThat(LifecycleJson.read(LifecycleJson.write(state.tally()), Tally.class))
        .isEqualTo(state.tally());
    // Else the seeds prove nothing.
    assertThat(seen)
        .containsKeys(
            "RUN_CREATED",
            "RUN_UPDATED",
            "RUN_DELETED",
            "RUN_RESTORED",
            "LOGGED",
            "RUN_TAG_DELETED",
            "REFUSED");
  }

  /** A command, and the same in plain words. */
  private record Asked(
      TrackingEntry command,
      Command type,
      List<Point> points,
      List<String[]> params,
      List<String[]> tags,
      String text) {}

  private static Asked asked(Random random, int step) {
    Command type =
        step == 3
            ? Command.CREATE_RUN
            : switch (random.nextInt(12)) {
              case 0 -> Command.CREATE_RUN;
              case 1 -> Command.UPDATE_RUN;
              case 2 -> random.nextInt(3) == 0 ? Command.DELETE_RUN : Command.RESTORE_RUN;
              case 3 -> Command.DELETE_RUN_TAG;
              case 4 -> Command.RESTORE_RUN;
              default -> Command.LOG;
            };
    List<Point> points = new ArrayList<>();
    List<String[]> params = new ArrayList<>();
    List<String[]> tags = new ArrayList<>();
    String text = "";
    ObjectNode details = JsonNodeFactory.instance.objectNode();
    switch (type) {
      case LOG -> {
        fill(random, points, params, tags);
        ArrayNode told = details.putArray("metrics");
        points.forEach(p -> told.addArray().add(p.key).add(p.value).add(p.timestamp).add(p.step));
        pairs(details.putArray("params"), params);
        pairs(details.putArray("tags"), tags);
      }
      case UPDATE_RUN -> {
        text = random.nextInt(4) == 0 ? "SLEEPING" : "FINISHED";
        details.put("status", text);
      }
      case DELETE_RUN_TAG -> {
        text = "t" + random.nextInt(3);
        details.put("key", text);
      }
      default -> details.put("experiment_id", "0").put("name", "first");
    }
    String key = random.nextInt(5) == 0 ? "client-" + random.nextInt(40) : "http-" + step;
    return new Asked(
        TrackingEntry.command(ID, type, "me", 0, key, details.toString()),
        type,
        points,
        params,
        tags,
        text);
  }

  private static void fill(
      Random random, List<Point> points, List<String[]> params, List<String[]> tags) {
    for (int i = random.nextInt(4); i > 0; i--) {
      points.add(
          new Point(
              name(random),
              VALUES[random.nextInt(VALUES.length)],
              random.nextInt(40) == 0 ? -1 : random.nextInt(3),
              random.nextInt(3) - 1));
    }
    for (int i = random.nextInt(3); i > 0; i--) {
      params.add(new String[] {name(random), random.nextInt(6) == 0 ? "other" : "same"});
    }
    for (int i = random.nextInt(3); i > 0; i--) {
      String key = random.nextInt(5) == 0 ? "mlflow.runName" : "t" + random.nextInt(3);
      tags.add(new String[] {key, "v" + random.nextInt(100)});
    }
  }

  private static String name(Random random) {
    return NAMES.get(random.nextInt(10) == 0 ? random.nextInt(NAMES.size()) : random.nextInt(4));
  }

  private static void pairs(ArrayNode to, List<String[]> pairs) {
    pairs.forEach(p -> to.addArray().add(p[0]).add(p[1]));
  }

  /** What a store of points would know. */
  private static final class Points implements KnownPoints {
    private final Map<String, Set<MetricPoint>> all = new HashMap<>();

    @Override
    public boolean hasMetric(String key) {
      return all.containsKey(key);
    }

    @Override
    public boolean hasPoint(String key, MetricPoint point) {
      return all.getOrDefault(key, Set.of()).contains(point);
    }

    void add(TrackingEntry event) {
      LifecycleJson.details(event.details())
          .path("metrics")
          .properties()
          .forEach(
              series ->
                  series
                      .getValue()
                      .forEach(
                          point ->
                              all.computeIfAbsent(series.getKey(), unused -> new HashSet<>())
                                  .add(MetricPoint.of(point))));
    }
  }

  /** A run as lists. */
  private static final class Naive {
    private final List<Point> logged = new ArrayList<>();
    private final List<String[]> params = new ArrayList<>();
    private final Map<String, String> tags = new TreeMap<>();
    private final Set<String> keys = new HashSet<>();
    private boolean there;
    private boolean deleted;
    private String status = "";

    String take(Asked asked) {
      String key = asked.command.idempotencyKey();
      if (keys.contains(key)) {
        return "NOTHING";
      }
      if (key.startsWith("client-")) {
        keys.add(key);
      }
      if (asked.type == Command.CREATE_RUN) {
        if (there) {
          return "REFUSED";
        }
        there = true;
        status = "RUNNING";
        tags.put("mlflow.runName", "first");
        return "RUN_CREATED";
      }
      if (!there) {
        return "REFUSED";
      }
      if (asked.type == Command.DELETE_RUN || asked.type == Command.RESTORE_RUN) {
        deleted = asked.type == Command.DELETE_RUN;
        return deleted ? "RUN_DELETED" : "RUN_RESTORED";
      }
      if (deleted) {
        return "REFUSED";
      }
      if (asked.type == Command.UPDATE_RUN) {
        if (asked.text.equals("SLEEPING")) {
          return "REFUSED";
        }
        status = asked.text;
        return "RUN_UPDATED";
      }
      if (asked.type == Command.DELETE_RUN_TAG) {
        return tags.remove(asked.text) == null ? "REFUSED" : "RUN_TAG_DELETED";
      }
      return log(asked);
    }

    private String log(Asked asked) {
      Set<String> good = Set.of("a", "b/c", "d e", "x");
      Set<String> once = new HashSet<>();
      for (String[] param : asked.params) {
        if (!good.contains(param[0]) || !once.add(param[0])) {
          return "REFUSED";
        }
        for (String[] before : params) {
          if (before[0].equals(param[0]) && !before[1].equals(param[1])) {
            return "REFUSED";
          }
        }
      }
      for (Point point : asked.points) {
        if (!good.contains(point.key) || point.timestamp < 0) {
          return "REFUSED";
        }
      }
      for (String[] param : asked.params) {
        if (params.stream().noneMatch(p -> p[0].equals(param[0]))) {
          params.add(param);
        }
      }
      asked.tags.forEach(tag -> tags.put(tag[0], tag[1]));
      for (Point point : asked.points) {
        if (logged.stream().noneMatch(p -> same(p, point))) {
          logged.add(point);
        }
      }
      return "LOGGED";
    }

    private static boolean same(Point a, Point b) {
      return a.key.equals(b.key)
          && a.step == b.step
          && a.timestamp == b.timestamp
          && (a.value == b.value || (Double.isNaN(a.value) && Double.isNaN(b.value)));
    }

    void compare(RunState state, RunMetrics metrics) {
      Run run = state.run();
      if (run == null) {
        assertThat(there).isFalse();
        return;
      }
      assertThat(run.deleted()).isEqualTo(deleted);
      assertThat(run.status().name()).isEqualTo(status);
      assertThat(run.tags()).isEqualTo(tags);
      assertThat(run.name()).isEqualTo(tags.get("mlflow.runName"));
      Map<String, String> wanted = new HashMap<>();
      params.forEach(p -> wanted.put(p[0], p[1]));
      assertThat(run.params()).isEqualTo(wanted);
      Set<String> names = new TreeSet<>();
      logged.forEach(p -> names.add(p.key));
      assertThat(metrics.series().keySet()).isEqualTo(names);
      assertThat(state.tally().points()).isEqualTo(logged.size());
      assertThat(state.tally().metrics()).isEqualTo(names.size());
      names.forEach(name -> compare(name, metrics.series(name).orElseThrow()));
    }

    private void compare(String name, MetricSeries series) {
      List<Point> history = new ArrayList<>();
      Point latest = null;
      for (Point point : logged) {
        if (!point.key.equals(name)) {
          continue;
        }
        int at = history.size();
        while (at > 0 && after(history.get(at - 1), point, false)) {
          at--;
        }
        history.add(at, point);
        latest = latest == null || after(point, latest, true) ? point : latest;
      }
      assertThat(series.history().map(Naive::text).toList())
          .isEqualTo(history.stream().map(Naive::text).toList());
      assertThat(series.page(1, 2).stream().map(Naive::text).toList())
          .isEqualTo(history.stream().skip(1).limit(2).map(Naive::text).toList());
      assertThat(text(series.latest())).isEqualTo(text(Objects.requireNonNull(latest)));
    }

    private static boolean after(Point a, Point b, boolean stepFirst) {
      long first = stepFirst ? a.step - b.step : a.timestamp - b.timestamp;
      long second = stepFirst ? a.timestamp - b.timestamp : a.step - b.step;
      if (first != 0) {
        return first > 0;
      }
      if (second != 0) {
        return second > 0;
      }
      double left = Double.isNaN(a.value) ? 0 : a.value;
      double right = Double.isNaN(b.value) ? 0 : b.value;
      return left > right;
    }

    private static String text(MetricPoint point) {
      return point.value() + " " + point.timestampMillis() + " " + point.step();
    }

    private static String text(Point point) {
      return (point.value == 0 ? 0.0 : point.value) + " " + point.timestamp + " " + point.step;
    }
  }
}
