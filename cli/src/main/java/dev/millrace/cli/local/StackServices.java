package dev.millrace.cli.local;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.kafka.common.Uuid;
import redis.embedded.core.ExecutableProvider;

/**
 * The processes of a stack except Flink's: broker, schema registry, online store, registry,
 * trainer, scoring on request.
 */
final class StackServices {
  static final String KAFKA = "kafka";
  static final String SCHEMA_REGISTRY = "schema-registry";
  static final String REDIS = "redis";
  static final String REGISTRY = "registry";
  static final String TRAINER = "trainer";
  static final String SCORING = "scoring";

  /** What the scoring service needs beside the job's jar and Flink's; the commands have it. */
  private static final List<String> HTTP_LIBRARIES =
      List.of("javalin-", "jetty-", "websocket-", "kotlin-stdlib-");

  /** It writes one every two seconds. */
  private static final Duration HEARTBEAT_AGE_MAX = Duration.ofSeconds(10);

  private static final long BROKER_PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(90);
  private static final long BROKER_PAUSE_MILLIS = 250;

  private static final String COMPATIBILITY = "{\"compatibility\": \"BACKWARD_TRANSITIVE\"}";

  private final Path checkout;
  private final StackLayout layout;
  private final StackPorts ports;

  StackServices(Path checkout, StackLayout layout, StackPorts ports) {
    this.checkout = checkout;
    this.layout = layout;
    this.ports = ports;
  }

  /** The logging of every JVM of the stack. */
  static Path logging(StackLayout layout) {
    return layout.conf().resolve("log4j2.properties");
  }

  static void writeLogging(StackLayout layout) throws IOException {
    try (InputStream in = StackServices.class.getResourceAsStream("service-log4j2.properties")) {
      if (in == null) {
        throw new IOException("Cannot find service-log4j2.properties: the build is incomplete");
      }
      Files.copy(in, logging(layout), StandardCopyOption.REPLACE_EXISTING);
    }
  }

  ServiceSpec kafka() {
    Path properties = layout.conf().resolve("kafka.properties");
    return new ServiceSpec(
        KAFKA,
        ports.address(ports.kafka()),
        layout.log(KAFKA),
        layout.output(KAFKA),
        Map.of(),
        () -> {
          Files.writeString(properties, kafkaProperties());
          formatKafka(properties);
        },
        () ->
            jvm("kafka", "kafka.Kafka")
                .options("-Xms256m", "-Xmx512m")
                .logging(layout.log(KAFKA), logging(layout))
                .with(properties.toString()),
        () -> Probes.kafka(ports.kafka()));
  }

  String kafkaProperties() {
    return String.join(
        "\n",
        "process.roles=broker,controller",
        "node.id=1",
        "controller.quorum.voters=1@" + ports.address(ports.kafkaController()),
        "listeners=PLAINTEXT://"
            + ports.address(ports.kafka())
            + ",CONTROLLER://"
            + ports.address(ports.kafkaController()),
        "advertised.listeners=PLAINTEXT://" + ports.address(ports.kafka()),
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name=PLAINTEXT",
        "controller.listener.names=CONTROLLER",
        "log.dirs=" + layout.kafkaData().toString().replace("\\", "\\\\"),
        "num.partitions=4",
        "auto.create.topics.enable=false",
        "default.replication.factor=1",
        "offsets.topic.replication.factor=1",
        "offsets.topic.num.partitions=4",
        "transaction.state.log.replication.factor=1",
        "transaction.state.log.min.isr=1",
        "transaction.state.log.num.partitions=4",
        "share.coordinator.state.topic.replication.factor=1",
        "share.coordinator.state.topic.min.isr=1",
        "share.coordinator.state.topic.num.partitions=4",
        // Flink's producers ask for an hour, so that a long restart loses no transaction.
        "transaction.max.timeout.ms=3600000",
        "group.initial.rebalance.delay.ms=0",
        // The default would take a quarter of the heap.
        "log.cleaner.dedupe.buffer.size=16777216",
        "");
  }

  private void formatKafka(Path properties) throws IOException, InterruptedException {
    if (Files.exists(layout.kafkaData().resolve("meta.properties"))) {
      return;
    }
    List<String> words =
        jvm("kafka", "kafka.tools.StorageTool")
            .options("-Xmx128m", "-XX:TieredStopAtLevel=1")
            .logging(layout.log(KAFKA), logging(layout))
            .with("format", "-t", Uuid.randomUuid().toString(), "-c", properties.toString());
    runToEnd(words, layout.output(KAFKA), "format " + layout.kafkaData());
  }

  ServiceSpec schemaRegistry() {
    String url = "http://" + ports.address(ports.schemaRegistry()) + "/apis/ccompat/v7";
    return new ServiceSpec(
        SCHEMA_REGISTRY,
        ports.address(ports.schemaRegistry()),
        layout.output(SCHEMA_REGISTRY),
        layout.output(SCHEMA_REGISTRY),
        Map.of(),
        () -> {},
        () -> {
          Path dir = registryDir(checkout);
          return Stream.of(
                  JvmCommand.java(),
                  JvmCommand.STACK_MARK + layout.dir(),
                  "-XX:+ExitOnOutOfMemoryError",
                  "-XX:-UsePerfData",
                  "-XX:TieredStopAtLevel=1",
                  "-Xmx256m",
                  "-Dquarkus.http.host=" + StackPorts.HOST,
                  "-Dquarkus.http.port=" + ports.schemaRegistry(),
                  "-Dquarkus.log.console.color=false",
                  "-Dapicurio.datasource.url=jdbc:h2:file:"
                      + layout.registryData().resolve("registry"),
                  "-Dapicurio.datasource.jdbc.initial-size=2",
                  "-Dapicurio.datasource.jdbc.min-size=2",
                  "-jar",
                  runner(dir).toString())
              .toList();
        },
        // Its own default is no check at all, so it is ready only once it checks.
        () -> Probes.httpPut(url + "/config", COMPATIBILITY));
  }

  /** The registry of models; it is not started before what it needs answers. */
  ServiceSpec registry() {
    String url = "http://" + ports.address(ports.registry());
    return new ServiceSpec(
        REGISTRY,
        ports.address(ports.registry()),
        layout.log(REGISTRY),
        layout.output(REGISTRY),
        Map.of(),
        this::awaitBrokerAndSchemas,
        () ->
            new JvmCommand(layout, ourClassPath(), "dev.millrace.registry.RegistryService")
                .options("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
                .logging(layout.log(REGISTRY), logging(layout))
                .with(
                    "--target",
                    layout.targetFile().toString(),
                    "--state",
                    layout.registryState().toString(),
                    "--scoring",
                    scoringAddress(ports)),
        () -> Probes.http(url + "/v1/health", body -> body.contains("\"UP\"")));
  }

  /** It listens on nothing: what it has to do comes by topics. */
  ServiceSpec trainer() {
    return new ServiceSpec(
        TRAINER,
        "-",
        layout.log(TRAINER),
        layout.output(TRAINER),
        Map.of(),
        () -> {
          Files.deleteIfExists(layout.trainerHeartbeat());
          awaitBrokerAndSchemas();
        },
        () ->
            new JvmCommand(layout, ourClassPath(), "dev.millrace.trainer.TrainerService")
                .options("-Xms64m", "-Xmx1g", "-XX:+UseSerialGC")
                .logging(layout.log(TRAINER), logging(layout))
                .with(
                    "--target",
                    layout.targetFile().toString(),
                    "--heartbeat",
                    layout.trainerHeartbeat().toString()),
        () -> Probes.touched(layout.trainerHeartbeat(), HEARTBEAT_AGE_MAX));
  }

  /** Where scores are asked for. */
  static String scoringAddress(StackPorts ports) {
    return "http://" + ports.address(ports.scoring());
  }

  /** Scores on request with the inference job's code, in a process that may crash alone. */
  ServiceSpec scoring() {
    return new ServiceSpec(
        SCORING,
        ports.address(ports.scoring()),
        layout.log(SCORING),
        layout.output(SCORING),
        Map.of(),
        () -> {
          // A build under a running JVM would take the jar away.
          Files.copy(inferenceJar(), layout.scoringJar(), StandardCopyOption.REPLACE_EXISTING);
          awaitBrokerAndSchemas();
        },
        () ->
            new JvmCommand(layout, scoringClassPath(), "dev.millrace.inference.ScoringService")
                .options("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
                .logging(layout.log(SCORING), logging(layout))
                .with(
                    "--target",
                    layout.targetFile().toString(),
                    "--listen",
                    ports.address(ports.scoring())),
        () -> Probes.http(scoringAddress(ports) + "/v1/health", body -> body.contains("\"UP\"")));
  }

  /** The job's jar, what Flink gives to a job, and an HTTP server. */
  private ClassPath scoringClassPath() throws IOException {
    List<Path> jars = new ArrayList<>(List.of(layout.scoringJar()));
    jars.addAll(ClassPath.ofTarget(checkout.resolve("cli/local/flink/target")).jars());
    for (Path jar : ClassPath.ofTarget(checkout.resolve("cli/target")).jars()) {
      String name = jar.getFileName().toString();
      if (HTTP_LIBRARIES.stream().anyMatch(name::startsWith)) {
        jars.add(jar);
      }
    }
    return new ClassPath(jars);
  }

  private Path inferenceJar() throws IOException {
    Path target = checkout.resolve("jobs/inference/target");
    try (Stream<Path> files = Files.list(target)) {
      return files
          .filter(f -> f.getFileName().toString().endsWith("-job.jar"))
          .sorted()
          .findFirst()
          .orElseThrow(
              () ->
                  new IOException(
                      "Cannot find the inference job in "
                          + target
                          + ": it was not built; run ./mvnw package"));
    }
  }

  /**
   * Waits until the broker and the schema registry answer. A process that needs them and is started
   * too early would only die, and take processor time from them.
   */
  void awaitBrokerAndSchemas() throws InterruptedException {
    String schemas = "http://" + ports.address(ports.schemaRegistry()) + "/apis/ccompat/v7/config";
    long startNanos = System.nanoTime();
    while (!(Probes.kafka(ports.kafka()) && Probes.http(schemas, body -> true))
        && System.nanoTime() - startNanos < BROKER_PATIENCE_NANOS) {
      TimeUnit.MILLISECONDS.sleep(BROKER_PAUSE_MILLIS);
    }
  }

  /**
   * The class path of the commands, for a process that lives on: our own jars are those that were
   * copied for the supervisor, because a build would take the others away.
   */
  ClassPath ourClassPath() throws IOException {
    Path target = checkout.resolve("cli/target");
    List<Path> jars = new ArrayList<>(List.of(layout.supervisorLib().resolve("millrace-cli.jar")));
    for (Path jar : ClassPath.ofTarget(target).jars()) {
      Path copy = layout.supervisorLib().resolve(jar.getFileName());
      jars.add(Files.isRegularFile(copy) ? copy : jar);
    }
    return new ClassPath(jars);
  }

  /** The unpacked registry. */
  static Path registryDir(Path checkout) throws IOException {
    Path target = checkout.resolve("cli/local/apicurio/target");
    if (Files.isDirectory(target)) {
      try (Stream<Path> files = Files.list(target)) {
        List<Path> found =
            files
                .filter(f -> f.getFileName().toString().startsWith("registry-"))
                .filter(f -> !f.getFileName().toString().endsWith(".part"))
                .sorted()
                .toList();
        if (!found.isEmpty()) {
          return found.get(found.size() - 1);
        }
      }
    }
    throw new IOException(
        "Cannot find the schema registry in " + target + ": it was not built; run ./mvnw package");
  }

  private static Path runner(Path dir) throws IOException {
    try (Stream<Path> files = Files.list(dir)) {
      return files
          .filter(f -> f.getFileName().toString().endsWith("-runner.jar"))
          .findFirst()
          .orElseThrow(() -> new IOException("Cannot find the registry's runner in " + dir));
    }
  }

  ServiceSpec redis() {
    Path conf = layout.redisDir().resolve("redis.conf");
    return new ServiceSpec(
        REDIS,
        ports.address(ports.redis()),
        layout.output(REDIS),
        layout.output(REDIS),
        Map.of(),
        () -> Files.writeString(conf, redisConfiguration()),
        () -> List.of(redisServer(layout).toString(), conf.toString()),
        () -> Probes.redis(ports.redis()));
  }

  String redisConfiguration() {
    return String.join(
        "\n",
        "bind " + StackPorts.HOST,
        "port " + ports.redis(),
        "protected-mode yes",
        "daemonize no",
        "dir \"" + layout.redisData() + "\"",
        // Rows outlive a restart: appended as they come, written through every second.
        "appendonly yes",
        "appendfsync everysec",
        "save \"\"",
        "");
  }

  /** The server that {@code MILLRACE_REDIS_SERVER} names, else the bundled one, unpacked once. */
  static Path redisServer(StackLayout layout) throws IOException {
    String named = System.getenv("MILLRACE_REDIS_SERVER");
    if (named != null && !named.isEmpty()) {
      return Path.of(named);
    }
    Path bin = layout.redisDir().resolve("bin");
    if (Files.isDirectory(bin)) {
      try (Stream<Path> files = Files.list(bin)) {
        List<Path> found = files.filter(Files::isExecutable).toList();
        if (!found.isEmpty()) {
          return found.get(0);
        }
      }
    }
    Path part = layout.redisDir().resolve("bin.part");
    deleteTree(part);
    Files.createDirectories(part);
    File unpacked = ExecutableProvider.newJarResourceProvider(part.toFile()).get();
    if (!unpacked.setExecutable(true)) {
      throw new IOException("Cannot make " + unpacked + " executable");
    }
    Files.move(part, bin);
    return bin.resolve(unpacked.getName());
  }

  private JvmCommand jvm(String part, String main) throws IOException {
    return new JvmCommand(
        layout, ClassPath.ofTarget(checkout.resolve("cli/local/" + part + "/target")), main);
  }

  /** Runs a program that ends by itself. */
  static void runToEnd(List<String> words, Path output, String what)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(words)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()))
            .start();
    process.getOutputStream().close();
    int exit = process.waitFor();
    if (exit != 0) {
      throw new IOException("Cannot " + what + ": exit status " + exit + "; see " + output);
    }
  }

  /** Deletes a file or a folder with all it holds; links are deleted, not followed. */
  static void deleteTree(Path root) throws IOException {
    if (!Files.exists(root, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(
              Path folder, java.io.@org.jspecify.annotations.Nullable IOException e)
              throws IOException {
            if (e != null) {
              throw e;
            }
            Files.deleteIfExists(folder);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
