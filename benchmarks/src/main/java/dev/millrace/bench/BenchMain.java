package dev.millrace.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Measures; {@code ./millrace bench} starts it in a JVM of its own and shows what it wrote. */
@Command(name = "benchmarks")
public final class BenchMain implements Callable<Integer> {

  /** What Flink's own start scripts open to it. */
  static final List<String> OPENS =
      List.of(
          "--add-exports=java.base/sun.net.util=ALL-UNNAMED",
          "--add-opens=java.base/java.lang=ALL-UNNAMED",
          "--add-opens=java.base/java.net=ALL-UNNAMED",
          "--add-opens=java.base/java.io=ALL-UNNAMED",
          "--add-opens=java.base/java.nio=ALL-UNNAMED",
          "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
          "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
          "--add-opens=java.base/java.text=ALL-UNNAMED",
          "--add-opens=java.base/java.time=ALL-UNNAMED",
          "--add-opens=java.base/java.util=ALL-UNNAMED",
          "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
          "--add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED",
          "--add-opens=java.base/java.util.concurrent.locks=ALL-UNNAMED");

  /** The groups of figures of each benchmark, in the order in which they are measured. */
  private static final Map<String, List<String>> GROUPS =
      Map.of(
          "features",
          List.of(
              "sql-4x2",
              "sql-1x1",
              "windows",
              "tiled-length",
              "state-bytes",
              "kafka-redis",
              "latency"),
          "inference",
          List.of(
              "operator",
              "crayfish",
              "batch-scoring",
              "kafka-trees",
              "prediction-latency",
              "swap",
              "canary"),
          "registry",
          List.of("create", "reads", "restart"));

  @Parameters(index = "0")
  private String name = "";

  @Option(names = "--only")
  private List<String> only = new ArrayList<>();

  @Option(names = "--quick")
  private boolean quick;

  @Option(names = "--millrace", required = true)
  private Path millrace = Path.of("");

  @Option(names = "--dir", required = true)
  private Path dir = Path.of("");

  @Option(names = "--port-offset", required = true)
  private int portOffset;

  @Option(names = "--work", required = true)
  private Path work = Path.of("");

  @Option(names = "--out", required = true)
  private Path out = Path.of("");

  public static void main(String[] args) {
    System.exit(
        new CommandLine(new BenchMain())
            .setExecutionExceptionHandler(
                (e, command, parsed) -> {
                  if ("1".equals(System.getenv("MILLRACE_DEBUG"))) {
                    e.printStackTrace(command.getErr());
                  } else {
                    command.getErr().println(e.getMessage());
                  }
                  return 1;
                })
            .execute(args));
  }

  @Override
  public Integer call() throws Exception {
    List<String> groups = GROUPS.getOrDefault(name, List.of());
    List<String> unknown = only.stream().filter(o -> !groups.contains(o)).toList();
    if (groups.isEmpty() || !unknown.isEmpty()) {
      System.err.println(
          "Cannot run bench "
              + name
              + (unknown.isEmpty() ? "" : " --only " + String.join(",", unknown))
              + ": there is "
              + new TreeMap<>(GROUPS)
                  .entrySet().stream()
                      .map(e -> e.getKey() + ", with " + String.join(", ", e.getValue()))
                      .collect(Collectors.joining("; and "))
              + "; name one of them");
      return 2;
    }
    Consumer<String> say = System.err::println;
    Report report = new Report(name, Machine.description());
    Bench bench =
        new Bench(quick, new Fork(work), report, new StackCommands(millrace, dir, portOffset), say);
    boolean whole = true;
    try (LoopFigures loop = new LoopFigures(work);
        ScoringFigures scoring = new ScoringFigures(work)) {
      SqlFigures sql = new SqlFigures();
      RegistryFigures registry = new RegistryFigures();
      for (String group : groups) {
        if (only.isEmpty() || only.contains(group)) {
          say.accept(group);
          whole &= tried(group, bench, sql, loop, scoring, registry);
          Files.writeString(out, report.json());
        }
      }
    } finally {
      Fork.delete(work);
    }
    return whole ? 0 : 1;
  }

  /** What can be measured is, even where another group fails. */
  private static boolean tried(
      String group,
      Bench bench,
      SqlFigures sql,
      LoopFigures loop,
      ScoringFigures scoring,
      RegistryFigures registry)
      throws InterruptedException {
    try {
      measure(group, bench, sql, loop, scoring, registry);
      return true;
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception e) {
      if ("1".equals(System.getenv("MILLRACE_DEBUG"))) {
        e.printStackTrace();
      }
      bench.say().accept("Cannot measure " + group + ": " + e.getMessage());
      return false;
    }
  }

  private static void measure(
      String group,
      Bench bench,
      SqlFigures sql,
      LoopFigures loop,
      ScoringFigures scoring,
      RegistryFigures registry)
      throws Exception {
    switch (group) {
      case "sql-4x2" -> sql.fourByTwo(bench);
      case "sql-1x1" -> sql.oneByOne(bench);
      case "windows" -> CostFigures.windows(bench);
      case "tiled-length" -> CostFigures.tiledLength(bench);
      case "state-bytes" -> CostFigures.stateBytes(bench);
      case "kafka-redis" -> loop.kafkaRedis(bench);
      case "latency" -> loop.latency(bench);
      case "operator" -> new OperatorFigures(bench.fork().folder("operator")).measure(bench);
      case "batch-scoring" ->
          new BatchScoringFigures(bench.fork().folder("batch-scoring")).measure(bench);
      case "crayfish" -> new CrayfishFigures(bench.fork().folder("crayfish")).measure(bench);
      case "kafka-trees" -> scoring.trees(bench);
      case "prediction-latency" -> scoring.latency(bench);
      case "swap" -> scoring.swap(bench);
      case "canary" -> scoring.canary(bench);
      case "create" -> registry.create(bench);
      case "reads" -> registry.reads(bench);
      case "restart" -> registry.restart(bench);
      default -> throw new IllegalArgumentException("Cannot measure " + group);
    }
  }
}
