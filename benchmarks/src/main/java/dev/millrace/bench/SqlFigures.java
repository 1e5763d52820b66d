package dev.millrace.bench;

import dev.millrace.bench.OperatorTask.Side;
import java.util.Locale;

/** The operator of a view against Flink SQL that computes the same values. */
final class SqlFigures {

  private static final double GOAL_FOUR_BY_TWO = 5;
  private static final double GOAL_ONE_BY_ONE = 1;

  /** 10 events in 5 minutes, 120 in an hour. */
  private static final Workload FEW_KEYS = new Workload(1_000, 120, 132_000, 0, 2);

  /** 1 event in 10 minutes, 6 in an hour. */
  private static final Workload MANY_KEYS = new Workload(100_000, 6, 660_000, 0, 2);

  static void fourByTwo(Bench bench) throws Exception {
    compare(bench, "sql-4x2", ViewSpec.FOUR_BY_TWO, FEW_KEYS, GOAL_FOUR_BY_TWO);
    compare(bench, "sql-4x2-100k-keys", ViewSpec.FOUR_BY_TWO, MANY_KEYS, GOAL_FOUR_BY_TWO);
    if (!bench.quick()) {
      inMemory(bench, "sql-4x2", ViewSpec.FOUR_BY_TWO);
    }
  }

  static void oneByOne(Bench bench) throws Exception {
    compare(bench, "sql-1x1", ViewSpec.ONE_BY_ONE, FEW_KEYS, GOAL_ONE_BY_ONE);
    compare(bench, "sql-1x1-100k-keys", ViewSpec.ONE_BY_ONE, MANY_KEYS, GOAL_ONE_BY_ONE);
    if (!bench.quick()) {
      inMemory(bench, "sql-1x1", ViewSpec.ONE_BY_ONE);
    }
  }

  private static void compare(
      Bench bench, String name, ViewSpec spec, Workload workload, double goal) throws Exception {
    Samples ours = paces(bench, name, Side.VIEW, spec, workload, "rocksdb");
    Samples sql = paces(bench, name, Side.SQL, spec, workload, "rocksdb");
    Samples ceiling = paces(bench, name, Side.CEILING, spec, workload, "rocksdb");
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
                    "%,d keys, %.0f events a key in 1 h; peer: Flink SQL; rocksdb",
                    workload.keys(),
                    workload.eventsPerKeyHour())));
  }

  /** With all state on the heap; the goal is that of RocksDB, so this is no figure. */
  private static void inMemory(Bench bench, String name, ViewSpec spec) throws Exception {
    Samples ours = paces(bench, name, Side.VIEW, spec, FEW_KEYS, "hashmap");
    Samples sql = paces(bench, name, Side.SQL, spec, FEW_KEYS, "hashmap");
    bench.report().add(new Detail(name + "-hashmap", ours.median(), "events/s"));
    bench.report().add(new Detail(name + "-hashmap-peer", sql.median(), "events/s"));
    bench.report().add(new Detail(name + "-hashmap-ratio", ours.median() / sql.median(), ""));
  }

  private static Samples paces(
      Bench bench, String name, Side side, ViewSpec spec, Workload workload, String backend)
      throws Exception {
    return new Samples(bench.run(name, side, spec, workload, backend).eventsPerSecond());
  }

  private SqlFigures() {}
}
