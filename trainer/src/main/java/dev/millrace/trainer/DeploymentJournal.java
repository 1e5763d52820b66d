package dev.millrace.trainer;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.DeploymentHistory;
import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;

/** Who serves which model, as {@code models.deployments} says. */
public final class DeploymentJournal {

  private final Target target;
  private final SubjectRegistry registry;

  public DeploymentJournal(Target target, SubjectRegistry registry) {
    this.target = target;
    this.registry = registry;
  }

  /** The deployment that serves each model; a model that nobody serves is not in it. */
  public Map<String, Deployment> current() {
    WireFormat.Reader reader = new WireFormat.Reader(registry, Wire.DEPLOYMENT);
    Map<String, DeploymentHistory> histories = new TreeMap<>();
    TopicLog.read(
        target,
        Topics.DEPLOYMENTS,
        record -> {
          try {
            Deployment deployment = Deployment.of(reader.read(record.value()));
            histories
                .computeIfAbsent(deployment.model(), m -> new DeploymentHistory())
                .accept(deployment);
          } catch (IOException e) {
            throw new UncheckedIOException(
                "Cannot read %s at %d:%d"
                    .formatted(record.topic(), record.partition(), record.offset()),
                e);
          }
        });
    Map<String, Deployment> current = new TreeMap<>();
    histories.forEach((model, history) -> history.current().ifPresent(d -> current.put(model, d)));
    return current;
  }

  /**
   * Makes a version the champion, from wherever each subtask reads it on: the barrier in event time
   * comes with the registry.
   */
  public Deployment promote(
      VersionJournal.Version version, String actor, String reason, long decidedAtMillis)
      throws IOException, InterruptedException {
    Deployment deployment =
        new Deployment(
            version.model(),
            UUID.randomUUID().toString(),
            Deployment.State.EFFECTIVE,
            null,
            new DeployedVersion(version.version(), version.uri(), version.sha256()),
            null,
            0,
            List.of(),
            decidedAtMillis);
    JournalTopic.append(
        target, registry, Topics.DEPLOYMENTS, version.model(), record(deployment, actor, reason));
    return deployment;
  }

  static GenericRecord record(Deployment deployment, String actor, String reason) {
    GenericRecord entry = new GenericData.Record(Wire.DEPLOYMENT);
    entry.put("model", deployment.model());
    entry.put("deployment_id", deployment.deploymentId());
    entry.put(
        "state",
        new GenericData.EnumSymbol(
            Wire.DEPLOYMENT.getField("state").schema(), deployment.state().name()));
    entry.put("effective_time", deployment.effectiveTimeMillis());
    DeployedVersion champion = deployment.champion();
    DeployedVersion canary = deployment.canary();
    entry.put("champion", champion == null ? null : deployed(champion));
    entry.put("canary", canary == null ? null : deployed(canary));
    entry.put("canary_share", deployment.canaryShare());
    entry.put("shadows", deployment.shadows().stream().map(DeploymentJournal::deployed).toList());
    entry.put("actor", actor);
    entry.put("reason", reason);
    entry.put("decided_at", deployment.decidedAtMillis());
    return entry;
  }

  private static GenericRecord deployed(DeployedVersion version) {
    Schema schema =
        Wire.DEPLOYMENT.getField("champion").schema().getTypes().stream()
            .filter(t -> t.getType() == Schema.Type.RECORD)
            .findFirst()
            .orElseThrow();
    GenericRecord record = new GenericData.Record(schema);
    record.put("version", version.version());
    record.put("uri", version.uri());
    record.put("sha256", version.sha256());
    return record;
  }
}
