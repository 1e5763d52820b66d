package dev.millrace.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.management.OperatingSystemMXBean;
import dev.millrace.bench.peers.FlinkSql;
import dev.millrace.pipeline.MeasuredView;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/** Runs one job in this JVM, waits until its windows are full, and takes its pace. */
final class OperatorRun {

  private static final JsonMapper JSON = new JsonMapper();
  private static final long POLL_MILLIS = 5;
  private static final Duration FILL_PATIENCE = Duration.ofSeconds(90);
  private static final int SLOTS = 2;

  /**
   * Shorter than Flink's 200 ms: SQL goes over all events of a key that wait for a watermark each
   * time that it computes one of them.
   */
  private static final Duration WATERMARK_INTERVAL = Duration.ofMillis(20);

  /** Reads the task from a file, and writes the result beside it. */
  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    OperatorTask task = JSON.readValue(folder.resolve("task.json").toFile(), OperatorTask.class);
    OperatorTask.Result result = run(task, folder);
    JSON.writeValue(folder.resolve("result.json").toFile(), result);
    // The cluster's threads are in no hurry to end.
    System.exit(0);
  }

  static OperatorTask.Result run(OperatorTask task, Path folder) throws Exception {
    StreamExecutionEnvironment env = environment(task.backend(), task.workload(), folder);
    define(env, task);
    JobClient job = env.executeAsync(task.side().name());
    long startedNanos = System.nanoTime();
    double filled = fill(job, task.workload().fillEvents());
    double fillSeconds = (System.nanoTime() - startedNanos) / 1e9;
    // Full windows are not yet compiled code.
    double unusedWarmUp = pace(job, task.seconds() / 2);
    double[] paces = new double[task.repeats()];
    double[] cpuMicros = new double[task.repeats()];
    for (int i = 0; i < paces.length; i++) {
      long cpuNanos = cpuNanos();
      long taken = LoadProgress.taken();
      paces[i] = pace(job, task.seconds());
      cpuMicros[i] = (cpuNanos() - cpuNanos) / 1e3 / (LoadProgress.taken() - taken);
    }
    long stateBytes = task.state() ? stateBytes(job, folder.resolve("savepoint")) : 0;
    job.cancel().get(30, TimeUnit.SECONDS);
    return new OperatorTask.Result(paces, cpuMicros, filled, fillSeconds, stateBytes);
  }

  private static void define(StreamExecutionEnvironment env, OperatorTask task) {
    Workload workload = task.workload();
    DataStream<Long> numbers = numbers(env, workload, Long.MAX_VALUE);
    switch (task.side()) {
      case VIEW ->
          MeasuredView.rows(numbers, workload, task.spec().project())
              .sinkTo(new DiscardingSink<>())
              .name("discard")
              .uid("discard");
      case SQL ->
          FlinkSql.rows(env, numbers, workload, task.spec())
              .sinkTo(new DiscardingSink<>())
              .name("discard");
      case CEILING -> discard(MeasuredView.ceiling(numbers, workload));
    }
  }

  private static <T> void discard(DataStream<T> rows) {
    rows.sinkTo(new DiscardingSink<>()).name("discard").uid("discard");
  }

  /**
   * The numbers of the first events, with event time, counted. One task reads them: of two, one
   * would run ahead, and whoever waits for watermarks would pay for it.
   */
  static DataStream<Long> numbers(StreamExecutionEnvironment env, Workload workload, long count) {
    return env.fromSource(
            new NumberSequenceSource(0, count - 1),
            WatermarkStrategy.<Long>forMonotonousTimestamps()
                .withTimestampAssigner((number, unused) -> workload.timeMillis(number)),
            "numbers")
        .uid("numbers")
        .setParallelism(1)
        .map(new LoadProgress())
        .name("progress")
        .uid("progress")
        .setParallelism(1);
  }

  /** The same for every side: what Flink's documentation says for jobs with large keyed state. */
  static StreamExecutionEnvironment environment(String backend, Workload workload, Path folder) {
    Configuration configuration = new Configuration();
    configuration.set(CoreOptions.DEFAULT_PARALLELISM, workload.parallelism());
    configuration.set(TaskManagerOptions.NUM_TASK_SLOTS, SLOTS);
    configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.parse("512m"));
    configuration.set(PipelineOptions.OBJECT_REUSE, true);
    configuration.set(PipelineOptions.AUTO_WATERMARK_INTERVAL, WATERMARK_INTERVAL);
    configuration.set(StateBackendOptions.STATE_BACKEND, backend);
    configuration.setString("state.backend.rocksdb.localdir", folder.resolve("rocksdb").toString());
    configuration.setString("state.backend.rocksdb.timer-service.factory", "HEAP");
    configuration.set(CoreOptions.TMP_DIRS, folder.resolve("tmp").toString());
    configuration.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
    configuration.set(
        CheckpointingOptions.CHECKPOINTS_DIRECTORY,
        folder.resolve("checkpoints").toUri().toString());
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(workload.parallelism(), configuration);
    return env;
  }

  /** How much of the fill was taken in the time there is for it; 1 for all. */
  private static double fill(JobClient job, long events) throws Exception {
    long startedNanos = System.nanoTime();
    while (LoadProgress.taken() < events
        && System.nanoTime() - startedNanos < FILL_PATIENCE.toNanos()) {
      refuseEnded(job);
      TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
    }
    return Math.min(1, (double) LoadProgress.taken() / events);
  }

  private static double pace(JobClient job, double seconds) throws Exception {
    long fromNanos = System.nanoTime();
    long from = LoadProgress.taken();
    TimeUnit.NANOSECONDS.sleep((long) (seconds * 1e9));
    long taken = LoadProgress.taken() - from;
    double elapsedSeconds = (System.nanoTime() - fromNanos) / 1e9;
    refuseEnded(job);
    return taken / elapsedSeconds;
  }

  private static long cpuNanos() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private static void refuseEnded(JobClient job) throws Exception {
    if (job.getJobStatus().get(30, TimeUnit.SECONDS).isGloballyTerminalState()) {
      // Says why.
      var unused = job.getJobExecutionResult().get(30, TimeUnit.SECONDS);
      throw new IOException("Cannot measure: the job has ended before its time");
    }
  }

  /** All state as it stands in a savepoint: serialized, not compressed, each entry once. */
  private static long stateBytes(JobClient job, Path folder) throws Exception {
    Files.createDirectories(folder);
    var unused =
        job.triggerSavepoint(folder.toUri().toString(), SavepointFormatType.CANONICAL)
            .get(2, TimeUnit.MINUTES);
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).mapToLong(f -> f.toFile().length()).sum();
    }
  }

  private OperatorRun() {}
}
