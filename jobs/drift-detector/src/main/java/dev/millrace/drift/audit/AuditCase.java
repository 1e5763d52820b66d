package dev.millrace.drift.audit;

import dev.millrace.core.row.Positions;
import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.Values;
import java.io.IOException;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * One row of one view as it was served with one prediction.
 *
 * @param timeMillis T of the row
 * @param version of the definition that the row was served under
 * @param served by the view's feature; null where the row had no value
 */
record AuditCase(
    String predictionId,
    String model,
    String view,
    String entityKey,
    long timeMillis,
    Positions positions,
    String version,
    long scoredAtMillis,
    SortedMap<String, @Nullable Double> served) {

  static final TypeInformation<AuditCase> TYPE =
      new RecordType<>(AuditCase.class, Serializer.INSTANCE);

  /** Writes them between operators and into state. */
  static final class Serializer extends RecordSerializer<AuditCase> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public AuditCase createInstance() {
      return new AuditCase("", "", "", "", 0, Positions.NONE, "", 0, new TreeMap<>());
    }

    @Override
    protected void write(AuditCase one, DataOutputView out) throws IOException {
      Values.writeText(one.predictionId, out);
      Values.writeText(one.model, out);
      Values.writeText(one.view, out);
      Values.writeText(one.entityKey, out);
      out.writeLong(one.timeMillis);
      Serializers.writePositions(one.positions, out);
      Values.writeText(one.version, out);
      out.writeLong(one.scoredAtMillis);
      out.writeInt(one.served.size());
      for (Map.Entry<String, @Nullable Double> value : one.served.entrySet()) {
        Values.writeText(value.getKey(), out);
        Values.write(value.getValue(), out);
      }
    }

    @Override
    public AuditCase deserialize(DataInputView in) throws IOException {
      return new AuditCase(
          Values.readText(in),
          Values.readText(in),
          Values.readText(in),
          Values.readText(in),
          in.readLong(),
          Serializers.readPositions(in),
          Values.readText(in),
          in.readLong(),
          readServed(in));
    }

    private static SortedMap<String, @Nullable Double> readServed(DataInputView in)
        throws IOException {
      SortedMap<String, @Nullable Double> served = new TreeMap<>();
      int size = in.readInt();
      for (int i = 0; i < size; i++) {
        served.put(Values.readText(in), (Double) Values.read(in));
      }
      return served;
    }

    @Override
    public TypeSerializerSnapshot<AuditCase> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<AuditCase> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
