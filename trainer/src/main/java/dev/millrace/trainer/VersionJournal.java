package dev.millrace.trainer;

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
import java.util.Optional;
import java.util.TreeMap;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/** The versions of all models, as {@code models.lifecycle} announces them. */
public final class VersionJournal {

  static final String VERSION_REGISTERED = "VERSION_REGISTERED";

  private final Target target;
  private final SubjectRegistry registry;

  public VersionJournal(Target target, SubjectRegistry registry) {
    this.target = target;
    this.registry = registry;
  }

  /**
   * One version of a model.
   *
   * @param uri of the ONNX artifact
   * @param details JSON: inputs, metrics, lineage
   */
  public record Version(
      String model,
      int version,
      String uri,
      String sha256,
      long registeredAtMillis,
      String actor,
      String reason,
      String details) {}

  /** Every registered version, by model and number; a number that came twice counts once. */
  public List<Version> versions() {
    WireFormat.Reader reader = new WireFormat.Reader(registry, Wire.LIFECYCLE);
    Map<String, Map<Integer, Version>> byModel = new TreeMap<>();
    TopicLog.read(
        target,
        Topics.LIFECYCLE,
        record -> {
          Version version = version(read(reader, record));
          if (version != null) {
            byModel
                .computeIfAbsent(version.model(), m -> new TreeMap<>())
                .putIfAbsent(version.version(), version);
          }
        });
    return byModel.values().stream().flatMap(v -> v.values().stream()).toList();
  }

  /** The versions of one model, ascending. */
  public List<Version> versions(String model) {
    return versions().stream().filter(v -> v.model().equals(model)).toList();
  }

  public Optional<Version> version(String model, int number) {
    return versions(model).stream().filter(v -> v.version() == number).findFirst();
  }

  /** Announces a version and waits until the broker has it. */
  public void announce(Version version) throws IOException, InterruptedException {
    JournalTopic.append(target, registry, Topics.LIFECYCLE, version.model(), record(version));
  }

  /** The version an entry registers; null where it is about something else. */
  static @Nullable Version version(GenericRecord entry) {
    if (!String.valueOf(entry.get("type")).equals(VERSION_REGISTERED)
        || entry.get("version") == null
        || entry.get("uri") == null
        || entry.get("sha256") == null) {
      return null;
    }
    return new Version(
        String.valueOf(entry.get("model")),
        (Integer) entry.get("version"),
        String.valueOf(entry.get("uri")),
        String.valueOf(entry.get("sha256")),
        (Long) entry.get("at"),
        String.valueOf(entry.get("actor")),
        String.valueOf(entry.get("reason")),
        String.valueOf(entry.get("details")));
  }

  static GenericRecord record(Version version) {
    GenericRecord entry = new GenericData.Record(Wire.LIFECYCLE);
    entry.put("model", version.model());
    entry.put(
        "kind", new GenericData.EnumSymbol(Wire.LIFECYCLE.getField("kind").schema(), "EVENT"));
    entry.put("type", VERSION_REGISTERED);
    entry.put("version", version.version());
    entry.put("actor", version.actor());
    entry.put("reason", version.reason());
    entry.put("at", version.registeredAtMillis());
    entry.put("idempotency_key", version.model() + "/" + version.version());
    entry.put("uri", version.uri());
    entry.put("sha256", version.sha256());
    entry.put("details", version.details());
    return entry;
  }

  private static GenericRecord read(
      WireFormat.Reader reader, ConsumerRecord<String, byte[]> record) {
    try {
      return reader.read(record.value());
    } catch (IOException e) {
      throw new UncheckedIOException(
          "Cannot read " + record.topic() + " at " + record.partition() + ":" + record.offset(), e);
    }
  }
}
