package dev.millrace.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Runs each job in a JVM of its own, one after another, so that no side runs on code that was
 * compiled for another one's habits.
 */
final class Fork {

  private static final JsonMapper JSON = new JsonMapper();
  private static final long PATIENCE_MINUTES = 6;
  private static final int FAULTS_SHOWN = 20;

  private final Path work;
  private int count;

  Fork(Path work) {
    this.work = work;
  }

  OperatorTask.Result run(OperatorTask task) throws IOException, InterruptedException {
    return run(task.side().name(), OperatorRun.class, task, OperatorTask.Result.class);
  }

  /**
   * Runs one task.
   *
   * @param main reads {@code task.json} in the folder that it is given, and writes {@code
   *     result.json}
   */
  <R> R run(String name, Class<?> main, Object task, Class<R> type)
      throws IOException, InterruptedException {
    Path folder = work.resolve("fork-" + ++count);
    Files.createDirectories(folder.resolve("tmp"));
    JSON.writeValue(folder.resolve("task.json").toFile(), task);
    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(command(main, folder))
            .redirectErrorStream(true)
            .redirectInput(new File("/dev/null"))
            .redirectOutput(log.toFile())
            .start();
    Thread end = new Thread(process::destroyForcibly, "end of fork");
    Runtime.getRuntime().addShutdownHook(end);
    try {
      if (!process.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES) || process.exitValue() != 0) {
        throw new IOException(
            "Cannot measure "
                + name
                + ": its JVM has "
                + (process.isAlive() ? "not ended" : "failed with status " + process.exitValue())
                + "; it says\n"
                + faults(log));
      }
      R result = JSON.readValue(folder.resolve("result.json").toFile(), type);
      delete(folder);
      return result;
    } finally {
      process.destroyForcibly();
      Runtime.getRuntime().removeShutdownHook(end);
    }
  }

  private static List<String> command(Class<?> main, Path folder) {
    List<String> words = new ArrayList<>();
    words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    words.addAll(List.of("-Xms1500m", "-Xmx1500m", "-XX:+UseParallelGC", "-XX:-UsePerfData"));
    // What Flink opens for itself in the cluster.
    words.addAll(BenchMain.OPENS);
    words.add("-Djava.io.tmpdir=" + folder.resolve("tmp"));
    words.addAll(List.of("-cp", System.getProperty("java.class.path")));
    words.add(main.getName());
    words.add(folder.toString());
    return words;
  }

  /** The first words of each exception; what is behind them is for those who look at the code. */
  static String faults(Path log) throws IOException {
    try (Stream<String> lines = Files.lines(log)) {
      return lines
          .filter(line -> !line.startsWith("\t"))
          .limit(FAULTS_SHOWN)
          .collect(Collectors.joining("\n"));
    }
  }

  /** A folder that is there while the benchmark runs. */
  Path folder(String name) {
    return work.resolve(name);
  }

  static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> paths = Files.walk(folder)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
