package dev.millrace.inference;

import dev.millrace.core.row.Positions;
import dev.millrace.schemas.Wire;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DatumReader;
import org.apache.avro.io.Decoder;
import org.apache.avro.util.Utf8;
import org.jspecify.annotations.Nullable;

/**
 * Reads what {@link PredictionWriter} writes, without making records of it. What is the same in one
 * prediction after the other is decoded once: the names of its inputs, the model, the deployment.
 *
 * <p>For one thread.
 */
final class PredictionReader implements DatumReader<Prediction> {

  private static final Role[] ROLES =
      Wire.PREDICTION.getField("role").schema().getEnumSymbols().stream()
          .map(Role::valueOf)
          .toArray(Role[]::new);

  /** In optional fields, and in the values of inputs. */
  private static final int NULL = 0;

  private static final int NUMBER = 1;
  private static final int TEXT = 2;

  private final Utf8 scratch = new Utf8();
  private final Repeated model = new Repeated();
  private final Repeated sha256 = new Repeated();
  private final Repeated experiment = new Repeated();
  private final Repeated arm = new Repeated();
  private final Repeated decision = new Repeated();
  private final Repeated deploymentId = new Repeated();
  private Utf8[] inputNames = {};
  private NamedValues.Names names = new NamedValues.Names(List.of());

  private PredictionReader() {}

  /** The reader of predictions of a schema; any but today's is resolved by Avro. */
  static DatumReader<Prediction> of(Schema written) {
    return written.equals(Wire.PREDICTION) ? new PredictionReader() : new Resolving(written);
  }

  @Override
  public void setSchema(Schema schema) {
    throw new IllegalStateException("Cannot read predictions of " + schema + ": ask for a reader");
  }

  @Override
  public Prediction read(@Nullable Prediction unused, Decoder in) throws IOException {
    return new Prediction(
        in.readString(),
        in.readString(),
        texts(in),
        in.readLong(),
        in.readLong(),
        model.read(in),
        in.readInt(),
        optional(sha256, in),
        ROLES[in.readEnum()],
        optional(experiment, in),
        optional(arm, in),
        in.readIndex() == NULL ? null : (Double) in.readDouble(),
        in.readDouble(),
        optional(decision, in),
        inputs(in),
        texts(in),
        optional(deploymentId, in),
        in.readIndex() == NULL ? Map.of() : rows(in),
        List.of(),
        null);
  }

  private static @Nullable String optional(Repeated texts, Decoder in) throws IOException {
    return in.readIndex() == NULL ? null : texts.read(in);
  }

  private static Map<String, String> texts(Decoder in) throws IOException {
    Map<String, String> texts = new LinkedHashMap<>();
    for (long left = in.readMapStart(); left > 0; left = in.mapNext()) {
      for (long i = 0; i < left; i++) {
        texts.put(in.readString(), in.readString());
      }
    }
    return texts;
  }

  /** Nearly always those of the prediction before, with other values. */
  private Map<String, @Nullable Object> inputs(Decoder in) throws IOException {
    @Nullable Object[] values = new Object[inputNames.length];
    int same = 0;
    Map<String, @Nullable Object> others = null;
    for (long left = in.readMapStart(); left > 0; left = in.mapNext()) {
      for (long i = 0; i < left; i++) {
        Utf8 name = in.readString(scratch);
        if (others == null && same < values.length && inputNames[same].equals(name)) {
          values[same++] = input(in);
        } else {
          others = others == null ? first(same, values) : others;
          // The name's bytes are another one's with the next text.
          String text = name.toString();
          others.put(text, input(in));
        }
      }
    }
    if (others == null && same == values.length) {
      return new NamedValues<>(names, values, 0);
    }
    Map<String, @Nullable Object> inputs = others == null ? first(same, values) : others;
    names = new NamedValues.Names(new ArrayList<>(inputs.keySet()));
    inputNames = inputs.keySet().stream().map(Utf8::new).toArray(Utf8[]::new);
    return inputs;
  }

  private Map<String, @Nullable Object> first(int count, @Nullable Object[] values) {
    Map<String, @Nullable Object> first = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      first.put(inputNames[i].toString(), values[i]);
    }
    return first;
  }

  /** A list, which no prediction of ours has, is passed over as {@link PredictionRecords} does. */
  private static @Nullable Object input(Decoder in) throws IOException {
    switch (in.readIndex()) {
      case NULL:
        return null;
      case NUMBER:
        return in.readDouble();
      case TEXT:
        return in.readString();
      default:
        for (long left = in.readArrayStart(); left > 0; left = in.arrayNext()) {
          for (long i = 0; i < left; i++) {
            double unused = in.readDouble();
          }
        }
        return null;
    }
  }

  private static Map<String, RowOrigin> rows(Decoder in) throws IOException {
    Map<String, RowOrigin> rows = new LinkedHashMap<>();
    for (long left = in.readMapStart(); left > 0; left = in.mapNext()) {
      for (long i = 0; i < left; i++) {
        rows.put(
            in.readString(),
            new RowOrigin(in.readLong(), Positions.parse(in.readString()), in.readString()));
      }
    }
    return rows;
  }

  /** A field whose text is mostly that of the record before. */
  private static final class Repeated {
    private Utf8 bytes = new Utf8();
    private Utf8 spare = new Utf8();
    private String text = "";

    String read(Decoder in) throws IOException {
      Utf8 now = in.readString(spare);
      if (!now.equals(bytes)) {
        text = now.toString();
        spare = bytes;
        bytes = now;
      }
      return text;
    }
  }

  /** Predictions of an earlier or a later build. */
  private static final class Resolving implements DatumReader<Prediction> {
    private final GenericDatumReader<GenericRecord> records;

    Resolving(Schema written) {
      this.records = new GenericDatumReader<>(written, Wire.PREDICTION);
    }

    @Override
    public void setSchema(Schema schema) {
      records.setSchema(schema);
    }

    @Override
    public Prediction read(@Nullable Prediction unused, Decoder in) throws IOException {
      return PredictionRecords.prediction(records.read(null, in));
    }
  }
}
