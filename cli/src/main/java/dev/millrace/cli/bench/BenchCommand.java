package dev.millrace.cli.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.cli.Checkout;
import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import dev.millrace.cli.local.LocalStack;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code bench NAME}: figures, each with its ceiling, its peer and its goal. */
@Command(
    name = "bench",
    description =
        "Measures on this machine what issues ask for, each figure with its ceiling, its peer and"
            + " its goal. Takes up to 15 minutes; nothing else should run meanwhile.")
public final class BenchCommand implements Callable<Integer> {

  /** Beside the stack that a user may have up. */
  private static final int PORT_OFFSET = 7_000;

  private static final String MAIN = "dev.millrace.bench.BenchMain";

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(
      paramLabel = "NAME",
      description = "Which benchmark: features, inference or registry.")
  private String name = "";

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "GROUP",
      description =
          "Only these groups of figures: of features sql-4x2, sql-1x1, kafka-redis, latency,"
              + " windows, tiled-length, state-bytes; of inference operator, crayfish, kafka-trees,"
              + " prediction-latency, swap, canary; of registry create, reads, restart.")
  private List<String> only = new ArrayList<>();

  @Option(names = "--quick", description = "Short repeats: to see that it works, not to cite.")
  private boolean quick;

  @Option(names = "--json", description = "Prints the figures as one JSON object.")
  private boolean json;

  @Option(names = "--markdown", description = "Prints the figures as tables for the documentation.")
  private boolean markdown;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    int portOffset = global.portOffset() == 0 ? PORT_OFFSET : global.portOffset();
    Path dir = stackDir(portOffset);
    Path work = Files.createTempDirectory(Files.createDirectories(target()), "bench-");
    Path report = work.resolve("report.json");
    int status = Millrace.FAILED;
    LocalStack stack = new LocalStack(dir, portOffset);
    Thread cleaning = new Thread(() -> clean(stack, work), "cleaning");
    Runtime.getRuntime().addShutdownHook(cleaning);
    try {
      status = measure(work, report, dir, portOffset);
      if (Files.exists(report)) {
        show(out, Files.readString(report));
      }
    } finally {
      Runtime.getRuntime().removeShutdownHook(cleaning);
      clean(stack, work);
    }
    return status;
  }

  /** A stack of its own: what a user has up, with all its data, must not be wiped with it. */
  private Path stackDir(int portOffset) {
    Path named = global.stackDir();
    Path root = Checkout.root();
    if (named.equals(root.resolve(".millrace"))
        || named.equals(root.resolve(".millrace-" + global.portOffset()))) {
      return root.resolve(".millrace-bench-" + portOffset);
    }
    if (Files.exists(named)) {
      throw new UserMistake(
          "Cannot run bench in "
              + named
              + ": it exists, and a benchmark deletes its stack when it ends; name a folder that"
              + " does not exist with --dir");
    }
    return named;
  }

  private void show(PrintWriter out, String report) throws IOException {
    JsonNode parsed = new JsonMapper().readTree(report);
    if (json) {
      out.println(report);
    } else {
      (markdown ? FigureTable.markdown(parsed) : FigureTable.plain(parsed)).forEach(out::println);
    }
    out.flush();
  }

  private int measure(Path work, Path report, Path dir, int portOffset)
      throws IOException, InterruptedException {
    Path classPath = target().resolve("classpath");
    if (!Files.isRegularFile(classPath)) {
      throw new CommandFailed(
          "Cannot find "
              + classPath
              + ": the benchmarks are not built; run ./mvnw -pl benchmarks -am package"
              + " -DskipTests");
    }
    List<String> words =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx1g",
                "-XX:+UseParallelGC",
                "-XX:-UsePerfData",
                "-cp",
                target().resolve("millrace-benchmarks.jar")
                    + File.pathSeparator
                    + Files.readString(classPath).strip(),
                MAIN,
                name,
                "--millrace",
                Checkout.root().resolve("millrace").toString(),
                "--dir",
                dir.toString(),
                "--port-offset",
                String.valueOf(portOffset),
                "--work",
                work.resolve("forks").toString(),
                "--out",
                report.toString()));
    if (quick) {
      words.add("--quick");
    }
    for (String group : only) {
      words.addAll(List.of("--only", group));
    }
    Process process =
        new ProcessBuilder(words)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .redirectOutput(ProcessBuilder.Redirect.INHERIT)
            .start();
    Thread end = new Thread(process::destroy, "end of bench");
    Runtime.getRuntime().addShutdownHook(end);
    try {
      return process.waitFor();
    } finally {
      process.destroy();
      Runtime.getRuntime().removeShutdownHook(end);
    }
  }

  /** Nothing of a benchmark stays: no process, no file. */
  private static void clean(LocalStack stack, Path work) {
    try {
      int unusedEnded = stack.down();
      stack.wipe();
      try (Stream<Path> paths = Files.walk(work)) {
        for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
          Files.deleteIfExists(path);
        }
      }
    } catch (IOException | InterruptedException e) {
      throw new CommandFailed("Cannot clean up after the benchmark: " + e.getMessage(), e);
    }
  }

  private static Path target() {
    return Checkout.root().resolve("benchmarks/target");
  }
}
