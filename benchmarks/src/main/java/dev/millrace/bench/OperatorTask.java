package dev.millrace.bench;

/**
 * One job to measure in a JVM of its own.
 *
 * @param side what computes
 * @param backend {@code rocksdb} or {@code hashmap}
 * @param seconds how long one repeat takes
 * @param repeats how many there are, after the windows are full
 * @param state whether the size of the state is measured too
 */
record OperatorTask(
    Side side,
    ViewSpec spec,
    Workload workload,
    String backend,
    double seconds,
    int repeats,
    boolean state) {

  enum Side {
    /** The operator of the feature pipeline. */
    VIEW,
    /** Flink SQL. */
    SQL,
    /** The shuffle alone. */
    CEILING
  }

  /**
   * What came out.
   *
   * @param eventsPerSecond one a repeat
   * @param cpuMicros what one event took of all cores, one a repeat: the whole JVM's time, with
   *     collector, compiler and the state backend's own threads
   * @param filled the share of the fill that was taken in the time there is for it
   * @param fillSeconds how long the first events took
   * @param stateBytes of a savepoint with all of the job's state; 0 where it was not asked for
   */
  record Result(
      double[] eventsPerSecond,
      double[] cpuMicros,
      double filled,
      double fillSeconds,
      long stateBytes) {}
}
