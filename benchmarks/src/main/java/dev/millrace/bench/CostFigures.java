package dev.millrace.bench;

import dev.millrace.bench.OperatorTask.Side;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What an event costs by how many windows a view has and how long they are, and what an entity's
 * state takes. Cost is the processor time of one event, less what it takes to come through the
 * shuffle.
 */
final class CostFigures {

  /** Four times the windows, and a tenth for what no two runs share. */
  private static final double GOAL_LINEAR = 4.4;

  private static final double GOAL_FLAT = 1.3;
  private static final double GOAL_PREDICTED = 1.2;

  private static final int KEYS = 1_000;

  /** Events of an entity in an hour: one a second. */
  private static final double BUSY = 3_600;

  private static final String BACKEND = "rocksdb";

  /** 1, 4, 16 and 64 windows up to 64 minutes; the longest is the same in all. */
  static void windows(Bench bench) throws Exception {
    Workload workload = new Workload(KEYS, 60, 70_000, 0, 1);
    double ceilingMicros = ceilingMicros(bench, "windows", workload);
    Samples before = null;
    for (int count : new int[] {1, 4, 16, 64}) {
      ViewSpec spec = new ViewSpec(List.of("mean"), windowsTo64Minutes(count), "exact");
      OperatorTask.Result result =
          bench.run("windows-" + count, Side.VIEW, spec, workload, BACKEND, !bench.quick());
      Samples micros = micros(result, ceilingMicros);
      detailState(bench, "windows-" + count, result, workload);
      if (before == null) {
        bench.report().add(new Detail("windows-1", micros.median(), "us/event"));
      } else {
        bench
            .report()
            .add(
                Figure.atMost(
                    "windows-" + count,
                    micros,
                    "us/event",
                    ceilingMicros,
                    before.median(),
                    micros.median() / before.median(),
                    GOAL_LINEAR,
                    "mean over "
                        + count
                        + " windows; peer: a quarter of them; exact, 60 events in the longest"));
      }
      before = micros;
    }
  }

  private static List<String> windowsTo64Minutes(int count) {
    return IntStream.rangeClosed(1, count).mapToObj(i -> i * (64 / count) + "m").toList();
  }

  /** A tiled window of 1 hour to 30 days, an event a second and entity. */
  static void tiledLength(Bench bench) throws Exception {
    List<Samples> all = new ArrayList<>();
    double ceilingMicros = ceilingMicros(bench, "tiled", tiled(1, BUSY));
    for (int hours : new int[] {1, 24, 7 * 24, 30 * 24}) {
      String window = hours < 24 ? hours + "h" : hours / 24 + "d";
      all.add(tiledCost(bench, "tiled-" + window, window, tiled(hours, BUSY), ceilingMicros));
    }
    // An event a minute: each opens a tile of the hour's window, and closes one.
    Samples unusedSparse = tiledCost(bench, "tiled-1h-sparse", "1h", tiled(1, 60), ceilingMicros);
    Samples most = all.stream().reduce((a, b) -> a.median() > b.median() ? a : b).orElseThrow();
    Samples least = all.stream().reduce((a, b) -> a.median() < b.median() ? a : b).orElseThrow();
    bench
        .report()
        .add(
            Figure.atMost(
                "tiled-length",
                most,
                "us/event",
                ceilingMicros,
                least.median(),
                most.median() / least.median(),
                GOAL_FLAT,
                "the dearest of a window of 1 h, 1 d, 7 d, 30 d; peer: the cheapest; an event a"
                    + " second and key"));
  }

  private static Samples tiledCost(
      Bench bench, String name, String window, Workload workload, double ceilingMicros)
      throws Exception {
    ViewSpec spec = new ViewSpec(List.of("count", "sum", "mean", "max"), List.of(window), "tiled");
    OperatorTask.Result result =
        bench.run(name, Side.VIEW, spec, workload, BACKEND, !bench.quick());
    Samples micros = micros(result, ceilingMicros);
    bench.report().add(new Detail(name, micros.median(), "us/event"));
    detailState(bench, name, result, workload);
    return micros;
  }

  /** Windows filled by 512 events of each entity, so that every tile there can be is there. */
  private static Workload tiled(int hours, double eventsPerKeyHour) {
    return new Workload(KEYS, eventsPerKeyHour, KEYS * 512L, (long) (hours * 1.1 * 3_600_000), 1);
  }

  /** Bytes of one entity's state, beside what {@code explain} says of them. */
  static void stateBytes(Bench bench) throws Exception {
    Workload workload = new Workload(KEYS, 120, 132_000, 0, 1);
    for (String accuracy : List.of("exact", "tiled")) {
      ViewSpec spec = ViewSpec.FOUR_BY_TWO.withAccuracy(accuracy);
      OperatorTask.Result result =
          bench.run("state-bytes-" + accuracy, Side.VIEW, spec, workload, BACKEND, true);
      double bytes = (double) result.stateBytes() / workload.keys();
      double predicted = Prediction.bytesPerKey(spec, workload);
      double apart = Math.max(bytes / predicted, predicted / bytes);
      bench
          .report()
          .add(
              Figure.atMost(
                  "state-bytes-" + accuracy,
                  Samples.of(bytes),
                  "B/key",
                  null,
                  predicted,
                  apart,
                  GOAL_PREDICTED,
                  "4 functions over 5 m and 1 h, 120 events in 1 h; peer: what explain predicts"));
    }
  }

  private static double ceilingMicros(Bench bench, String name, Workload workload)
      throws Exception {
    return micros(bench.run(name, Side.CEILING, ViewSpec.ONE_BY_ONE, workload, BACKEND), 0)
        .median();
  }

  private static Samples micros(OperatorTask.Result result, double lessMicros) {
    return new Samples(Arrays.stream(result.cpuMicros()).map(m -> m - lessMicros).toArray());
  }

  private static void detailState(
      Bench bench, String name, OperatorTask.Result result, Workload workload) {
    if (result.stateBytes() > 0) {
      bench
          .report()
          .add(
              new Detail(name + "-state", (double) result.stateBytes() / workload.keys(), "B/key"));
    }
  }

  private CostFigures() {}
}
