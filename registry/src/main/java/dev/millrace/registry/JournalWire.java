package dev.millrace.registry;

import dev.millrace.core.lifecycle.DecidedDeployment;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.platform.Topics;
import dev.millrace.registry.journal.Answers;
import dev.millrace.registry.journal.FollowedTopic;
import dev.millrace.registry.journal.InsistentSubjects;
import dev.millrace.registry.journal.UnreachableException;
import dev.millrace.registry.journal.UnreadableException;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/** The registry's two topics as bytes; not for several threads at once. */
final class JournalWire implements FollowedTopic.Entries<LifecycleEntry> {

  private static final Schema DEPLOYED =
      Wire.DEPLOYMENT.getField("champion").schema().getTypes().stream()
          .filter(t -> t.getType() == Schema.Type.RECORD)
          .findFirst()
          .orElseThrow();

  // Both are kept with the state, a thousand times.
  private static final int NAME_MAX = 500;

  private final WireFormat.Reader entries;
  private final WireFormat.Writer events;
  private final WireFormat.Writer deployments;

  /** Registers both subjects, or finds them. */
  JournalWire(SubjectRegistry registry) throws IOException {
    this.entries = new WireFormat.Reader(new InsistentSubjects(registry), Wire.LIFECYCLE);
    this.events =
        new WireFormat.Writer(
            registry.register(Topics.subject(Topics.LIFECYCLE), Wire.LIFECYCLE.toString()),
            Wire.LIFECYCLE);
    this.deployments =
        new WireFormat.Writer(
            registry.register(Topics.subject(Topics.DEPLOYMENTS), Wire.DEPLOYMENT.toString()),
            Wire.DEPLOYMENT);
  }

  /**
   * Reads a record of {@code models.lifecycle}.
   *
   * @throws UnreachableException where it cannot be told whether the record is sound
   */
  @Override
  public LifecycleEntry entry(@Nullable String key, byte @Nullable [] value)
      throws UnreadableException {
    LifecycleEntry entry;
    try {
      entry = LifecycleEntry.of(entries.read(value));
    } catch (UnreachableException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      throw new UnreadableException(String.valueOf(e.getMessage()), e);
    }
    if (!entry.model().equals(key)) {
      // In another partition it would be decided by another state.
      throw new UnreadableException(
          "its key is " + key + ", but it is about model " + entry.model(), null);
    }
    if (entry.idempotencyKey().length() > NAME_MAX || entry.model().length() > NAME_MAX) {
      throw new UnreadableException(
          "its model or idempotency key has more than " + NAME_MAX + " characters", null);
    }
    return entry;
  }

  @Override
  public byte[] bytes(LifecycleEntry entry) {
    return event(entry);
  }

  @Override
  public Answers.Asked asked(LifecycleEntry entry) {
    return FoldedJournal.asked(entry);
  }

  @Override
  public String told(LifecycleEntry entry) {
    return entry.type() + " of model " + entry.model();
  }

  byte[] event(LifecycleEntry event) {
    return events.write(event.record(Wire.LIFECYCLE));
  }

  byte[] deployment(String model, DecidedDeployment decided) {
    return deployments.write(record(decided.deployment(model), decided.actor(), decided.reason()));
  }

  private static GenericRecord record(Deployment deployment, String actor, String reason) {
    GenericRecord record = new GenericData.Record(Wire.DEPLOYMENT);
    DeployedVersion champion = deployment.champion();
    DeployedVersion canary = deployment.canary();
    record.put("model", deployment.model());
    record.put("deployment_id", deployment.deploymentId());
    record.put(
        "state",
        new GenericData.EnumSymbol(
            Wire.DEPLOYMENT.getField("state").schema(), deployment.state().name()));
    record.put("effective_time", deployment.effectiveTimeMillis());
    record.put("champion", champion == null ? null : version(champion));
    record.put("canary", canary == null ? null : version(canary));
    record.put("canary_share", deployment.canaryShare());
    record.put("shadows", deployment.shadows().stream().map(JournalWire::version).toList());
    record.put("actor", actor);
    record.put("reason", reason);
    record.put("decided_at", deployment.decidedAtMillis());
    return record;
  }

  private static GenericRecord version(DeployedVersion version) {
    GenericRecord record = new GenericData.Record(DEPLOYED);
    record.put("version", version.version());
    record.put("uri", version.uri());
    record.put("sha256", version.sha256());
    record.put("profile_uri", version.profileUri());
    record.put("profile_sha256", version.profileSha256());
    record.put("views", version.views());
    return record;
  }
}
