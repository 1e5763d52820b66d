package dev.millrace.drift.audit;

import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import dev.millrace.streaming.Values;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * What an audit came to.
 *
 * @param reason why nothing can be said; null where something is
 * @param compared how many features were compared
 * @param skipped the features whose value is an estimate
 * @param reproduction the file that holds a mismatch
 */
public record Audited(
    String predictionId,
    String model,
    String view,
    String entityKey,
    long timeMillis,
    String positions,
    String version,
    Result result,
    @Nullable String reason,
    int compared,
    List<String> skipped,
    List<Difference> differences,
    long eventsRead,
    @Nullable Long snapshotId,
    @Nullable String reproduction,
    long auditedAtMillis) {

  public static final TypeInformation<Audited> TYPE =
      new RecordType<>(Audited.class, Serializer.INSTANCE);

  /** Whether the row as served is what its definition gives. */
  public enum Result {
    MATCH,
    MISMATCH,
    UNDECIDABLE
  }

  /** A feature that was served with another value. */
  public record Difference(String feature, @Nullable Double served, @Nullable Double recomputed) {}

  /** The record of the schema {@code dev.millrace.wire.Audit}. */
  public GenericRecord record(Schema schema) {
    GenericRecord record = new GenericData.Record(schema);
    record.put("prediction_id", predictionId);
    record.put("model", model);
    record.put("view", view);
    record.put("entity_key", entityKey);
    record.put("time", timeMillis);
    record.put("source", positions);
    record.put("version", version);
    record.put(
        "result", new GenericData.EnumSymbol(schema.getField("result").schema(), result.name()));
    record.put("reason", reason);
    record.put("compared", compared);
    record.put("skipped", skipped);
    Schema element = schema.getField("differences").schema().getElementType();
    List<GenericRecord> different = new ArrayList<>();
    for (Difference difference : differences) {
      GenericRecord one = new GenericData.Record(element);
      one.put("feature", difference.feature);
      one.put("served", difference.served);
      one.put("recomputed", difference.recomputed);
      different.add(one);
    }
    record.put("differences", different);
    record.put("events_read", eventsRead);
    record.put("snapshot_id", snapshotId);
    record.put("reproduction", reproduction);
    record.put("audited_at", auditedAtMillis);
    return record;
  }

  /** Writes them between operators; none of them is ever in state. */
  static final class Serializer extends RecordSerializer<Audited> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public Audited createInstance() {
      return new Audited(
          "",
          "",
          "",
          "",
          0,
          "",
          "",
          Result.UNDECIDABLE,
          null,
          0,
          List.of(),
          List.of(),
          0,
          null,
          null,
          0);
    }

    @Override
    protected void write(Audited audited, DataOutputView out) throws IOException {
      Values.writeText(audited.predictionId, out);
      Values.writeText(audited.model, out);
      Values.writeText(audited.view, out);
      Values.writeText(audited.entityKey, out);
      out.writeLong(audited.timeMillis);
      Values.writeText(audited.positions, out);
      Values.writeText(audited.version, out);
      Values.writeText(audited.result.name(), out);
      Values.write(audited.reason, out);
      out.writeInt(audited.compared);
      out.writeInt(audited.skipped.size());
      for (String feature : audited.skipped) {
        Values.writeText(feature, out);
      }
      out.writeInt(audited.differences.size());
      for (Difference difference : audited.differences) {
        Values.writeText(difference.feature, out);
        Values.write(difference.served, out);
        Values.write(difference.recomputed, out);
      }
      out.writeLong(audited.eventsRead);
      Values.write(audited.snapshotId, out);
      Values.write(audited.reproduction, out);
      out.writeLong(audited.auditedAtMillis);
    }

    @Override
    public Audited deserialize(DataInputView in) throws IOException {
      return new Audited(
          Values.readText(in),
          Values.readText(in),
          Values.readText(in),
          Values.readText(in),
          in.readLong(),
          Values.readText(in),
          Values.readText(in),
          Result.valueOf(Values.readText(in)),
          (String) Values.read(in),
          in.readInt(),
          readTexts(in),
          readDifferences(in),
          in.readLong(),
          (Long) Values.read(in),
          (String) Values.read(in),
          in.readLong());
    }

    private static List<String> readTexts(DataInputView in) throws IOException {
      List<String> texts = new ArrayList<>();
      int size = in.readInt();
      for (int i = 0; i < size; i++) {
        texts.add(Values.readText(in));
      }
      return texts;
    }

    private static List<Difference> readDifferences(DataInputView in) throws IOException {
      List<Difference> differences = new ArrayList<>();
      int size = in.readInt();
      for (int i = 0; i < size; i++) {
        differences.add(
            new Difference(
                Values.readText(in), (Double) Values.read(in), (Double) Values.read(in)));
      }
      return differences;
    }

    @Override
    public TypeSerializerSnapshot<Audited> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Audited> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
