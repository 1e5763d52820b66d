package dev.millrace.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.management.OperatingSystemMXBean;
import dev.millrace.inference.MeasuredBatchRun;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Scores an archive in this JVM, with one version, several times; or fills it before. */
final class BatchScoringRun {

  static final int PARALLELISM = 2;

  private static final JsonMapper JSON = new JsonMapper();

  /**
   * What is to be done.
   *
   * @param tables the folder of the warehouse
   * @param onnx the model to score with; empty to fill the archive
   * @param runs how many there are, the first with code that nobody has run before
   */
  record Task(String tables, long events, String onnx, String sha256, int runs) {}

  /**
   * What came out, one a run.
   *
   * @param startSeconds until the tasks had their model
   * @param seconds from then on
   * @param cpuMicros what one prediction took of all cores, in the whole JVM, start included
   */
  record Result(double[] startSeconds, double[] seconds, double[] cpuMicros) {}

  /** Reads the task from a file, and writes the result beside it. */
  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    Task task = JSON.readValue(folder.resolve("task.json").toFile(), Task.class);
    JSON.writeValue(folder.resolve("result.json").toFile(), run(task, folder));
    // The cluster's threads are in no hurry to end.
    System.exit(0);
  }

  private static Result run(Task task, Path folder) throws Exception {
    Path tables = Files.createDirectories(Path.of(task.tables()));
    MeasuredBatchRun measured = new MeasuredBatchRun(tables, OperatorFigures.names());
    if (task.onnx().isEmpty()) {
      measured.fill(environment(folder), task.events(), OperatorFigures.FEATURES);
      return new Result(new double[0], new double[0], new double[0]);
    }
    Result result =
        new Result(new double[task.runs()], new double[task.runs()], new double[task.runs()]);
    for (int i = 0; i < task.runs(); i++) {
      long cpuNanos = cpuNanos();
      MeasuredBatchRun.Taken taken =
          measured.score(environment(folder), Path.of(task.onnx()), task.sha256(), "run-" + i);
      if (taken.rows() != task.events()) {
        throw new IOException(
            "Cannot measure: %d of %d events were scored".formatted(taken.rows(), task.events()));
      }
      result.startSeconds[i] = taken.startSeconds();
      result.seconds[i] = taken.seconds();
      result.cpuMicros[i] = (cpuNanos() - cpuNanos) / 1e3 / taken.rows();
    }
    return result;
  }

  private static StreamExecutionEnvironment environment(Path folder) {
    Configuration configuration = new Configuration();
    configuration.set(CoreOptions.DEFAULT_PARALLELISM, PARALLELISM);
    configuration.set(TaskManagerOptions.NUM_TASK_SLOTS, PARALLELISM);
    configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.parse("256m"));
    configuration.set(CoreOptions.TMP_DIRS, folder.resolve("tmp").toString());
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    return StreamExecutionEnvironment.createLocalEnvironment(PARALLELISM, configuration);
  }

  private static long cpuNanos() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private BatchScoringRun() {}
}
