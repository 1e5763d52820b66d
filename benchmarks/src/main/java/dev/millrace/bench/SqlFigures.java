package dev.millrace.bench;

import dev.millrace.bench.OperatorTask.Side;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** The operator of a view against Flink SQL that computes the same values. */
final class SqlFigures {

  private static final double GOAL_FOUR_BY_TWO = 5;
  private static final double GOAL_ONE_BY_ONE = 1;

  /** 10 events in 5 minutes, 120 in an hour. */
  private static final int FEW_KEYS = 1_000;

  private static final double FEW_KEYS_EVENTS = 120;

  /** 4 events in an hour. */
  private static final int MANY_KEYS = 100_000;

  private static final double MANY_KEYS_EVENTS = 4;

  /** The windows are full and a little more. */
  private static final double FILL = 1.1;

  private static final double HOUR = 1;
  private static final double FIVE_MINUTES = 1 / 12.0;

  /** What the shuffle alone reaches does not depend on what comes behind it. */
  private final Map<Integer, Samples> ceilings = new HashMap<>();

  void fourByTwo(Bench bench) throws Exception {
    Workload few = workload(FEW_KEYS, FEW_KEYS_EVENTS, HOUR);
    compare(bench, "sql-4x2", ViewSpec.FOUR_BY_TWO, few, GOAL_FOUR_BY_TWO);
    compare(
        bench,
        "sql-4x2-100k-keys",
        ViewSpec.FOUR_BY_TWO,
        workload(MANY_KEYS, MANY_KEYS_EVENTS, HOUR),
        GOAL_FOUR_BY_TWO);
    inMemory(bench, "sql-4x2", ViewSpec.FOUR_BY_TWO, few);
  }

  void oneByOne(Bench bench) throws Exception {
    Workload few = workload(FEW_KEYS, FEW_KEYS_EVENTS, FIVE_MINUTES);
    compare(bench, "sql-1x1", ViewSpec.ONE_BY_ONE, few, GOAL_ONE_BY_ONE);
    compare(
        bench,
        "sql-1x1-100k-keys",
        ViewSpec.ONE_BY_ONE,
        workload(MANY_KEYS, MANY_KEYS_EVENTS, FIVE_MINUTES),
        GOAL_ONE_BY_ONE);
    inMemory(bench, "sql-1x1", ViewSpec.ONE_BY_ONE, few);
  }

  private static Workload workload(int keys, double eventsPerKeyHour, double longestHours) {
    return new Workload(
        keys, eventsPerKeyHour, (long) (keys * eventsPerKeyHour * longestHours * FILL), 0, 2);
  }

  private void compare(Bench bench, String name, ViewSpec spec, Workload workload, double goal)
      throws Exception {
    Samples ours = paces(bench, name, Side.VIEW, spec, workload, "rocksdb");
    OperatorTask.Result peer = bench.run(name, Side.SQL, spec, workload, "rocksdb");
    Samples sql = new Samples(peer.eventsPerSecond());
    Samples ceiling = ceilings.get(workload.keys());
    if (ceiling == null) {
      ceiling = paces(bench, name, Side.CEILING, spec, workload, "rocksdb");
      ceilings.put(workload.keys(), ceiling);
    }
    bench
        .report()
        .add(
            Figure.atLeast(
                name,
                ours,
                "events/s",
                ceiling.median(),
                sql.median(),
                ours.median() / sql.median(),
                goal,
                String.format(
                    Locale.ROOT,
                    "%,d keys, %.0f events a key in 1 h; rocksdb; peer: Flink SQL%s",
                    workload.keys(),
                    workload.eventsPerKeyHour(),
                    filled(peer))));
  }

  /** A peer that is too slow to fill its windows in time is measured all the same, and lighter. */
  private static String filled(OperatorTask.Result peer) {
    return peer.filled() == 1
        ? ""
        : String.format(Locale.ROOT, ", its windows %.0f %% full", 100 * peer.filled());
  }

  /** With all state on the heap; the goal is that of RocksDB, so this is no figure. */
  private static void inMemory(Bench bench, String name, ViewSpec spec, Workload workload)
      throws Exception {
    if (bench.quick()) {
      return;
    }
    Samples ours = paces(bench, name, Side.VIEW, spec, workload, "hashmap");
    Samples sql = paces(bench, name, Side.SQL, spec, workload, "hashmap");
    bench.report().add(new Detail(name + "-hashmap", ours.median(), "events/s"));
    bench.report().add(new Detail(name + "-hashmap-peer", sql.median(), "events/s"));
    bench.report().add(new Detail(name + "-hashmap-ratio", ours.median() / sql.median(), "times"));
  }

  private static Samples paces(
      Bench bench, String name, Side side, ViewSpec spec, Workload workload, String backend)
      throws Exception {
    return new Samples(bench.run(name, side, spec, workload, backend).eventsPerSecond());
  }
}
