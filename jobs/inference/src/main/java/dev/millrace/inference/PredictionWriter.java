package dev.millrace.inference;

import java.io.IOException;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.apache.avro.Schema;
import org.apache.avro.io.DatumWriter;
import org.apache.avro.io.Encoder;
import org.jspecify.annotations.Nullable;

/**
 * Writes predictions in Avro without making records of them, which costs several times what the
 * writing does. The bytes are those of {@link PredictionRecords#record}.
 */
final class PredictionWriter<T> implements DatumWriter<T> {

  /** In optional fields, and in the values of inputs. */
  private static final int NULL = 0;

  private static final int VALUE = 1;

  /** Among the values of inputs. */
  private static final int TEXT = 2;

  private final Function<T, Prediction> predictionOf;

  /** By role: its place in the schema. */
  private final Map<Role, Integer> roles = new EnumMap<>(Role.class);

  /**
   * Writes records of {@code dev.millrace.wire.Prediction}.
   *
   * @param schema as this build has it
   */
  PredictionWriter(Schema schema, Function<T, Prediction> predictionOf) {
    this.predictionOf = predictionOf;
    setSchema(schema);
  }

  @Override
  public void setSchema(Schema schema) {
    Schema role = schema.getField("role").schema();
    for (Role one : Role.values()) {
      roles.put(one, role.getEnumOrdinal(one.name()));
    }
  }

  @Override
  public void write(T element, Encoder out) throws IOException {
    Prediction prediction = predictionOf.apply(element);
    out.writeString(prediction.predictionId());
    out.writeString(prediction.eventId());
    texts(prediction.entityKeys(), out);
    out.writeLong(prediction.eventTimeMillis());
    out.writeLong(prediction.scoredAtMillis());
    out.writeString(prediction.model());
    out.writeInt(prediction.version());
    text(prediction.sha256(), out);
    out.writeEnum(Objects.requireNonNull(roles.get(prediction.role())));
    text(prediction.experiment(), out);
    text(prediction.arm(), out);
    number(prediction.propensity(), out);
    out.writeDouble(prediction.score());
    text(prediction.decision(), out);
    begin(prediction.inputs(), out);
    for (Map.Entry<String, @Nullable Object> input : prediction.inputs().entrySet()) {
      out.startItem();
      out.writeString(input.getKey());
      input(input.getValue(), out);
    }
    out.writeMapEnd();
    texts(prediction.freshness(), out);
    text(prediction.deploymentId(), out);
    out.writeIndex(VALUE);
    begin(prediction.rows(), out);
    for (Map.Entry<String, RowOrigin> row : prediction.rows().entrySet()) {
      out.startItem();
      out.writeString(row.getKey());
      out.writeLong(row.getValue().timeMillis());
      out.writeString(row.getValue().positions().toString());
      out.writeString(row.getValue().version());
    }
    out.writeMapEnd();
  }

  private static void begin(Map<String, ?> map, Encoder out) throws IOException {
    out.writeMapStart();
    out.setItemCount(map.size());
  }

  private static void texts(Map<String, String> texts, Encoder out) throws IOException {
    begin(texts, out);
    for (Map.Entry<String, String> text : texts.entrySet()) {
      out.startItem();
      out.writeString(text.getKey());
      out.writeString(text.getValue());
    }
    out.writeMapEnd();
  }

  private static void text(@Nullable String text, Encoder out) throws IOException {
    if (text == null) {
      none(out);
    } else {
      out.writeIndex(VALUE);
      out.writeString(text);
    }
  }

  private static void number(@Nullable Double number, Encoder out) throws IOException {
    if (number == null) {
      none(out);
    } else {
      out.writeIndex(VALUE);
      out.writeDouble(number);
    }
  }

  private static void input(@Nullable Object value, Encoder out) throws IOException {
    if (value instanceof String text) {
      out.writeIndex(TEXT);
      out.writeString(text);
    } else {
      number((Double) value, out);
    }
  }

  private static void none(Encoder out) throws IOException {
    out.writeIndex(NULL);
    out.writeNull();
  }
}
