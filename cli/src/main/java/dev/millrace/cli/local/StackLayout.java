package dev.millrace.cli.local;

import dev.millrace.platform.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Where everything of one stack lies: logs and data under one folder.
 *
 * @param dir that folder, absolute
 */
public record StackLayout(Path dir) {

  public StackLayout {
    dir = dir.toAbsolutePath().normalize();
  }

  public Path logs() {
    return dir.resolve("logs");
  }

  Path log(String service) {
    return logs().resolve(service + ".log");
  }

  /** What a process prints itself, beside its log. */
  Path output(String service) {
    return logs().resolve(service + ".out");
  }

  Path conf() {
    return dir.resolve("conf");
  }

  Path data() {
    return dir.resolve("data");
  }

  Path kafkaData() {
    return data().resolve("kafka");
  }

  Path redisData() {
    return data().resolve("redis");
  }

  Path registryData() {
    return data().resolve("apicurio");
  }

  /** The trainer writes it again and again while it works. */
  Path trainerHeartbeat() {
    return data().resolve("trainer.heartbeat");
  }

  /** The registry's stores: what is in them can be made again from Kafka. */
  Path registryState() {
    return data().resolve("registry");
  }

  public Path flink() {
    return dir.resolve("flink");
  }

  Path flinkConf() {
    return flink().resolve("conf");
  }

  public Path checkpoints() {
    return flink().resolve("checkpoints");
  }

  public Path savepoints() {
    return flink().resolve("savepoints");
  }

  Path uploads() {
    return flink().resolve("upload");
  }

  Path tmp() {
    return flink().resolve("tmp");
  }

  public Path warehouse() {
    return dir.resolve("warehouse");
  }

  public Path artifacts() {
    return dir.resolve("artifacts");
  }

  /** What audits keep of mismatches: beside the warehouse, where the drift-detector puts it. */
  Path audits() {
    return dir.resolve("audit");
  }

  /** The records of the jobs that run here; see {@link AppliedJobs}. */
  public Path applied() {
    return dir.resolve("applied");
  }

  public Path targetFile() {
    return dir.resolve("target.yaml");
  }

  /** The statements by which Flink SQL opens this stack's warehouse. */
  Path flinkSql() {
    return dir.resolve("catalog.sql");
  }

  Path stateFile() {
    return dir.resolve("state.json");
  }

  Path supervisorLock() {
    return dir.resolve("supervisor.lock");
  }

  /** The inference job's jar as the scoring service runs it. */
  Path scoringJar() {
    return supervisorLib().resolve("scoring.jar");
  }

  Path supervisorLib() {
    return dir.resolve("supervisor");
  }

  /** Everything that {@code down --wipe} takes away; nothing else in the folder is touched. */
  List<Path> everything() {
    return List.of(
        logs(),
        conf(),
        data(),
        flink(),
        warehouse(),
        artifacts(),
        audits(),
        applied(),
        dir.resolve("redis"),
        supervisorLib(),
        targetFile(),
        flinkSql(),
        stateFile(),
        supervisorLock());
  }

  /** The addresses of a stack that lies here and listens on {@code ports}. */
  Target target(StackPorts ports) {
    return new Target(
        ports.address(ports.kafka()),
        "http://" + ports.address(ports.schemaRegistry()) + "/apis/ccompat/v7",
        ports.address(ports.redis()),
        "http://" + ports.address(ports.flinkRest()),
        "http://" + ports.address(ports.registry()),
        uri(warehouse()),
        "jdbc:sqlite:file:"
            + warehouse().resolve("catalog.db")
            + "?busy_timeout=30000&journal_mode=WAL",
        uri(artifacts()));
  }

  void createFolders() throws IOException {
    for (Path folder :
        List.of(
            logs(),
            conf(),
            kafkaData(),
            redisData(),
            registryData(),
            registryState(),
            flinkConf(),
            checkpoints(),
            savepoints(),
            uploads(),
            tmp(),
            warehouse(),
            artifacts(),
            applied(),
            redisDir(),
            supervisorLib())) {
      Files.createDirectories(folder);
    }
  }

  Path redisDir() {
    return dir.resolve("redis");
  }

  /** {@code file:///a/b}, without the slash that a folder's URI ends in. */
  static String uri(Path folder) {
    String uri = "file://" + folder.toUri().getRawPath();
    return uri.endsWith("/") ? uri.substring(0, uri.length() - 1) : uri;
  }
}
