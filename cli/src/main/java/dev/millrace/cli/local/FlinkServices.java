package dev.millrace.cli.local;

import dev.millrace.platform.Target;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/** Flink's two processes, configured from {@code flink-conf/}. */
final class FlinkServices {
  static final String JOB_MANAGER = "flink-jobmanager";
  static final String TASK_MANAGER = "flink-taskmanager";

  private static final String RESULT = "BASH_JAVA_UTILS_EXEC_RESULT:";

  private final Path checkout;
  private final StackLayout layout;
  private final StackPorts ports;

  FlinkServices(Path checkout, StackLayout layout, StackPorts ports) {
    this.checkout = checkout;
    this.layout = layout;
    this.ports = ports;
  }

  /** Writes the configuration that both processes read. */
  void configure() throws IOException {
    Map<String, Object> operator =
        FlinkConfiguration.read(checkout.resolve("flink-conf/config.yaml"));
    FlinkConfiguration.writeIfChanged(
        FlinkConfiguration.derive(operator, layout, ports),
        layout.flinkConf().resolve("config.yaml"));
  }

  ServiceSpec jobManager() {
    return service(
        JOB_MANAGER,
        ports.flinkRest(),
        "GET_JM_RESOURCE_PARAMS",
        "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
        // It moves no records: the quick compiler halves its start.
        List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
        () -> Probes.http(rest() + "/overview", body -> body.contains("flink-version")));
  }

  ServiceSpec taskManager() {
    return service(
        TASK_MANAGER,
        ports.taskManagerRpc(),
        "GET_TM_RESOURCE_PARAMS",
        "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
        List.of(),
        // After a kill the cluster knows the dead one for a while; the new one has its own port.
        () ->
            Probes.listens(ports.taskManagerRpc())
                && Probes.http(rest() + "/overview", FlinkServices::hasSlots));
  }

  private static boolean hasSlots(String overview) {
    return !overview.contains("\"slots-total\":0,") && !overview.contains("\"taskmanagers\":0,");
  }

  private String rest() {
    return "http://" + ports.address(ports.flinkRest());
  }

  private ServiceSpec service(
      String name,
      int port,
      String memoryOf,
      String main,
      List<String> flags,
      ServiceSpec.Probe ready) {
    Path tmp = layout.tmp().resolve(name);
    return new ServiceSpec(
        name,
        ports.address(port),
        layout.log(name),
        layout.output(name),
        Map.of(
            Target.ENVIRONMENT_VARIABLE,
            layout.targetFile().toString(),
            "FLINK_CONF_DIR",
            layout.flinkConf().toString(),
            "FLINK_LIB_DIR",
            lib().toString()),
        () -> {
          // What a killed process left behind.
          StackServices.deleteTree(tmp);
          Files.createDirectories(tmp);
        },
        () -> {
          Memory memory = memory(memoryOf);
          List<String> arguments = new ArrayList<>(List.of("-c", layout.flinkConf().toString()));
          arguments.addAll(memory.dynamicProperties());
          return jvm(main)
              .options(flags)
              .options(memory.jvmFlags())
              .options(jvmOpens())
              .options("-Djava.io.tmpdir=" + tmp)
              .logging(layout.log(name), StackServices.logging(layout))
              .with(arguments);
        },
        ready);
  }

  /** What Flink makes of the configured sizes. */
  record Memory(List<String> jvmFlags, List<String> dynamicProperties) {
    static Memory parse(List<String> output) throws IOException {
      List<List<String>> results =
          output.stream()
              .filter(line -> line.startsWith(RESULT))
              .map(line -> words(line.substring(RESULT.length())))
              .toList();
      if (results.size() != 2) {
        throw new IOException(
            "Cannot size Flink's processes: "
                + String.join("; ", output)
                + "; correct flink-conf/config.yaml");
      }
      return new Memory(results.get(0), results.get(1));
    }

    private static List<String> words(String line) {
      return List.of(line.trim().split(" +", -1));
    }
  }

  /** Asks Flink, and keeps its answer for as long as the configuration stays. */
  private Memory memory(String command) throws IOException, InterruptedException {
    Path conf = layout.flinkConf().resolve("config.yaml");
    Path kept = layout.flinkConf().resolve(command + ".out");
    if (Files.exists(kept)
        && Files.getLastModifiedTime(kept).compareTo(Files.getLastModifiedTime(conf)) >= 0) {
      return Memory.parse(Files.readAllLines(kept));
    }
    List<String> words =
        jvm("org.apache.flink.runtime.util.bash.BashJavaUtils")
            .options("-Xmx64m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
            .logging(layout.log("flink-memory"), StackServices.logging(layout))
            .with(command, "-c", layout.flinkConf().toString());
    Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
    process.getOutputStream().close();
    List<String> output;
    try (InputStream in = process.getInputStream()) {
      output = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
    process.waitFor();
    Memory memory = Memory.parse(output);
    Files.write(kept, output);
    return memory;
  }

  private JvmCommand jvm(String main) throws IOException {
    return new JvmCommand(
        layout, ClassPath.ofTarget(checkout.resolve("cli/local/flink/target")), main);
  }

  private Path lib() {
    return checkout.resolve("cli/local/flink/target/lib");
  }

  /** The packages that Flink and Iceberg reach into, as the build knows them. */
  private static List<String> jvmOpens() throws IOException {
    Properties build = new Properties();
    try (InputStream in =
        FlinkServices.class.getResourceAsStream("/dev/millrace/cli/build.properties")) {
      if (in == null) {
        throw new IOException("Cannot find build.properties: the build is incomplete");
      }
      build.load(in);
    }
    return List.of(build.getProperty("jvm.opens", "").trim().split(" +", -1));
  }
}
