package dev.millrace.inference;

import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.Values;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/** Writes predictions between operators; none of them is ever in state. */
final class PredictionSerializer extends RecordSerializer<Prediction> {

  private static final long serialVersionUID = 1L;
  static final PredictionSerializer INSTANCE = new PredictionSerializer();
  static final TypeInformation<Prediction> TYPE = new RecordType<>(Prediction.class, INSTANCE);

  @Override
  public Prediction createInstance() {
    return new Prediction(
        "",
        "",
        Map.of(),
        0,
        0,
        "",
        0,
        null,
        Role.FALLBACK,
        null,
        null,
        null,
        0,
        null,
        Map.of(),
        Map.of(),
        null);
  }

  @Override
  protected void write(Prediction prediction, DataOutputView out) throws IOException {
    Values.writeText(prediction.predictionId(), out);
    Values.writeText(prediction.eventId(), out);
    writeTexts(prediction.entityKeys(), out);
    out.writeLong(prediction.eventTimeMillis());
    out.writeLong(prediction.scoredAtMillis());
    Values.writeText(prediction.model(), out);
    out.writeInt(prediction.version());
    Values.write(prediction.sha256(), out);
    Values.writeText(prediction.role().name(), out);
    Values.write(prediction.experiment(), out);
    Values.write(prediction.arm(), out);
    Values.write(prediction.propensity(), out);
    out.writeDouble(prediction.score());
    Values.write(prediction.decision(), out);
    out.writeInt(prediction.inputs().size());
    for (Map.Entry<String, @Nullable Object> input : prediction.inputs().entrySet()) {
      Values.writeText(input.getKey(), out);
      Values.write(input.getValue(), out);
    }
    writeTexts(prediction.freshness(), out);
    Values.write(prediction.deploymentId(), out);
    out.writeInt(prediction.rows().size());
    for (Map.Entry<String, RowOrigin> row : prediction.rows().entrySet()) {
      Values.writeText(row.getKey(), out);
      out.writeLong(row.getValue().timeMillis());
      Serializers.writePositions(row.getValue().positions(), out);
      Values.writeText(row.getValue().version(), out);
    }
    out.writeInt(prediction.shadows().size());
    for (int version : prediction.shadows()) {
      out.writeInt(version);
    }
    Values.write(prediction.segments(), out);
  }

  @Override
  public Prediction deserialize(DataInputView in) throws IOException {
    return new Prediction(
        Values.readText(in),
        Values.readText(in),
        readTexts(in),
        in.readLong(),
        in.readLong(),
        Values.readText(in),
        in.readInt(),
        (String) Values.read(in),
        Role.valueOf(Values.readText(in)),
        (String) Values.read(in),
        (String) Values.read(in),
        (Double) Values.read(in),
        in.readDouble(),
        (String) Values.read(in),
        readInputs(in),
        readTexts(in),
        (String) Values.read(in),
        readRows(in),
        readVersions(in),
        (String) Values.read(in));
  }

  @Override
  public TypeSerializerSnapshot<Prediction> snapshotConfiguration() {
    return new Snapshot();
  }

  private static void writeTexts(Map<String, String> texts, DataOutputView out) throws IOException {
    out.writeInt(texts.size());
    for (Map.Entry<String, String> text : texts.entrySet()) {
      Values.writeText(text.getKey(), out);
      Values.writeText(text.getValue(), out);
    }
  }

  private static Map<String, String> readTexts(DataInputView in) throws IOException {
    int size = in.readInt();
    Map<String, String> texts = new HashMap<>();
    for (int i = 0; i < size; i++) {
      texts.put(Values.readText(in), Values.readText(in));
    }
    return texts;
  }

  private static Map<String, RowOrigin> readRows(DataInputView in) throws IOException {
    int size = in.readInt();
    Map<String, RowOrigin> rows = new LinkedHashMap<>();
    for (int i = 0; i < size; i++) {
      rows.put(
          Values.readText(in),
          new RowOrigin(in.readLong(), Serializers.readPositions(in), Values.readText(in)));
    }
    return rows;
  }

  private static List<Integer> readVersions(DataInputView in) throws IOException {
    int size = in.readInt();
    List<Integer> versions = new ArrayList<>(size);
    for (int i = 0; i < size; i++) {
      versions.add(in.readInt());
    }
    return versions;
  }

  private static Map<String, @Nullable Object> readInputs(DataInputView in) throws IOException {
    int size = in.readInt();
    Map<String, @Nullable Object> inputs = new LinkedHashMap<>();
    for (int i = 0; i < size; i++) {
      inputs.put(Values.readText(in), Values.read(in));
    }
    return inputs;
  }

  /** Restores the serializer. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<Prediction> {
    public Snapshot() {
      super(() -> INSTANCE);
    }
  }
}
