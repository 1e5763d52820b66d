package dev.millrace.platform;

import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.function.BiConsumer;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;

/** The topic {@code millrace.definitions}: every project as it was last applied. */
public final class DefinitionsLog {

  private final Target target;
  private final SubjectRegistry registry;

  public DefinitionsLog(Target target, SubjectRegistry registry) {
    this.target = target;
    this.registry = registry;
  }

  /**
   * A project as {@code apply} wrote it.
   *
   * @param revision 1 for the first apply
   * @param views epoch and definition id by view
   * @param kept definitions of earlier revisions that are computed beside those
   * @param topicIds Kafka's id of each source topic
   * @param files the project's own files by relative path
   */
  public record Applied(
      String project,
      int revision,
      long appliedAtMillis,
      Map<String, ViewIdentity> views,
      List<KeptView> kept,
      Map<String, String> topicIds,
      Map<String, String> files) {

    public Applied {
      views = Map.copyOf(views);
      kept = List.copyOf(kept);
      topicIds = Map.copyOf(topicIds);
      files = Map.copyOf(files);
    }

    /** The same as another revision. */
    public Applied again(int nextRevision, long atMillis) {
      return new Applied(project, nextRevision, atMillis, views, kept, topicIds, files);
    }
  }

  /** What {@code _version} of a row says: {@code <epoch>-<id>}. */
  public record ViewIdentity(long epoch, String id) {
    @Override
    public String toString() {
      return epoch + "-" + id;
    }
  }

  /**
   * A definition of an earlier revision that versions of models pin.
   *
   * @param revision the newest that has it
   */
  public record KeptView(String view, ViewIdentity identity, int revision) {}

  /** The latest definitions of every project that was not deleted since. */
  public Map<String, Applied> latest() {
    Map<String, Applied> latest = new TreeMap<>();
    known()
        .forEach(
            (project, known) -> {
              if (!known.deleted()) {
                latest.put(project, known.applied());
              }
            });
    return latest;
  }

  /** The last definitions of a project, and whether they were taken back. */
  public record Known(Applied applied, boolean deleted) {}

  /** The last definitions of every project that there ever was. */
  public Map<String, Known> known() {
    Map<String, Known> known = new TreeMap<>();
    read((project, definitions) -> known.put(project, definitions));
    return known;
  }

  /** Each revision of a project that there ever was, by its number. */
  public NavigableMap<Integer, Applied> revisions(String ofProject) {
    NavigableMap<Integer, Applied> revisions = new TreeMap<>();
    read(
        (project, definitions) -> {
          if (project.equals(ofProject)) {
            revisions.put(definitions.applied().revision(), definitions.applied());
          }
        });
    return revisions;
  }

  private void read(BiConsumer<String, Known> taker) {
    WireFormat.Reader reader = new WireFormat.Reader(registry, Wire.DEFINITIONS);
    TopicLog.read(
        target,
        Topics.DEFINITIONS,
        record -> {
          Known known;
          try {
            known = decode(reader, record.value());
          } catch (IOException e) {
            throw new UncheckedIOException(
                "Cannot read " + Topics.DEFINITIONS + " at offset " + record.offset(), e);
          }
          taker.accept(known.applied().project(), known);
        });
  }

  /**
   * One record of the topic.
   *
   * @param reader of {@link Wire#DEFINITIONS}
   */
  public static Known decode(WireFormat.Reader reader, byte[] record) throws IOException {
    GenericRecord value = reader.read(record);
    String project = String.valueOf(value.get("project"));
    return new Known(applied(project, value), Boolean.TRUE.equals(value.get("deleted")));
  }

  public Optional<Applied> latest(String project) {
    return Optional.ofNullable(latest().get(project));
  }

  /** Appends one project's definitions and waits until the broker has them. */
  public void append(Applied applied, String actor) throws IOException, InterruptedException {
    write(applied, actor, false);
  }

  /** Takes a project's definitions back; what was applied before stays in the log. */
  public void delete(Applied applied, String actor) throws IOException, InterruptedException {
    write(applied, actor, true);
  }

  private void write(Applied applied, String actor, boolean deleted)
      throws IOException, InterruptedException {
    GenericRecord record = new GenericData.Record(Wire.DEFINITIONS);
    record.put("project", applied.project());
    record.put("revision", applied.revision());
    record.put("applied_at", applied.appliedAtMillis());
    record.put("actor", actor);
    record.put("deleted", deleted);
    Map<String, GenericRecord> views = new HashMap<>();
    var viewSchema = Wire.DEFINITIONS.getField("views").schema().getValueType();
    applied
        .views()
        .forEach(
            (view, identity) -> {
              GenericRecord value = new GenericData.Record(viewSchema);
              value.put("epoch", identity.epoch());
              value.put("id", identity.id());
              views.put(view, value);
            });
    record.put("views", views);
    List<GenericRecord> kept = new ArrayList<>();
    var keptSchema = Wire.DEFINITIONS.getField("kept").schema().getElementType();
    for (KeptView view : applied.kept()) {
      GenericRecord value = new GenericData.Record(keptSchema);
      value.put("view", view.view());
      value.put("epoch", view.identity().epoch());
      value.put("id", view.identity().id());
      value.put("revision", view.revision());
      kept.add(value);
    }
    record.put("kept", kept);
    record.put("topic_ids", applied.topicIds());
    record.put("files", applied.files());
    int id = registry.register(Topics.subject(Topics.DEFINITIONS), Wire.DEFINITIONS.toString());
    byte[] value = new WireFormat.Writer(id, Wire.DEFINITIONS).write(record);
    try (KafkaProducer<String, byte[]> producer = TopicLog.producer(target)) {
      producer.send(new ProducerRecord<>(Topics.DEFINITIONS, applied.project(), value)).get();
    } catch (ExecutionException e) {
      throw new IOException(
          "Cannot write the definitions of project " + applied.project() + ": " + e.getCause(), e);
    }
  }

  private static Applied applied(String project, GenericRecord value) {
    Map<String, ViewIdentity> views = new HashMap<>();
    ((Map<?, ?>) value.get("views"))
        .forEach(
            (view, identity) -> {
              GenericRecord fields = (GenericRecord) identity;
              views.put(
                  String.valueOf(view),
                  new ViewIdentity((Long) fields.get("epoch"), String.valueOf(fields.get("id"))));
            });
    List<KeptView> kept = new ArrayList<>();
    for (Object one : (List<?>) value.get("kept")) {
      GenericRecord fields = (GenericRecord) one;
      kept.add(
          new KeptView(
              String.valueOf(fields.get("view")),
              new ViewIdentity((Long) fields.get("epoch"), String.valueOf(fields.get("id"))),
              (Integer) fields.get("revision")));
    }
    return new Applied(
        project,
        (Integer) value.get("revision"),
        (Long) value.get("applied_at"),
        views,
        kept,
        texts((Map<?, ?>) value.get("topic_ids")),
        texts((Map<?, ?>) value.get("files")));
  }

  private static Map<String, String> texts(Map<?, ?> map) {
    Map<String, String> texts = new HashMap<>();
    map.forEach((k, v) -> texts.put(String.valueOf(k), String.valueOf(v)));
    return texts;
  }
}
