package dev.millrace.inference;

import dev.millrace.core.row.Positions;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.table.data.GenericMapData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.jspecify.annotations.Nullable;

/** Predictions as records of their topic and as rows of their table. */
final class PredictionRecords {

  /** The record of the schema {@code dev.millrace.wire.Prediction}. */
  static GenericRecord record(Prediction prediction, Schema schema) {
    GenericRecord record = new GenericData.Record(schema);
    record.put("prediction_id", prediction.predictionId());
    record.put("event_id", prediction.eventId());
    record.put("entity_keys", prediction.entityKeys());
    record.put("event_time", prediction.eventTimeMillis());
    record.put("scored_at", prediction.scoredAtMillis());
    record.put("model", prediction.model());
    record.put("version", prediction.version());
    record.put("sha256", prediction.sha256());
    record.put(
        "role",
        new GenericData.EnumSymbol(schema.getField("role").schema(), prediction.role().name()));
    record.put("experiment", prediction.experiment());
    record.put("arm", prediction.arm());
    record.put("propensity", prediction.propensity());
    record.put("score", prediction.score());
    record.put("decision", prediction.decision());
    record.put("inputs", prediction.inputs());
    record.put("freshness", prediction.freshness());
    record.put("deployment_id", prediction.deploymentId());
    record.put("rows", rows(prediction.rows(), schema.getField("rows").schema()));
    return record;
  }

  private static Map<String, GenericRecord> rows(Map<String, RowOrigin> rows, Schema optional) {
    Schema schema = optional.getTypes().get(1).getValueType();
    Map<String, GenericRecord> records = new LinkedHashMap<>();
    rows.forEach(
        (view, row) -> {
          GenericRecord record = new GenericData.Record(schema);
          record.put("time", row.timeMillis());
          record.put("source", row.positions().toString());
          record.put("version", row.version());
          records.put(view, record);
        });
    return records;
  }

  /** Reads what {@link #record} gives. */
  static Prediction prediction(GenericRecord record) {
    Map<String, @Nullable Double> inputs = new LinkedHashMap<>();
    ((Map<?, ?>) record.get("inputs"))
        .forEach(
            (name, value) -> inputs.put(name.toString(), value instanceof Double d ? d : null));
    return new Prediction(
        String.valueOf(record.get("prediction_id")),
        String.valueOf(record.get("event_id")),
        texts(record.get("entity_keys")),
        (Long) record.get("event_time"),
        (Long) record.get("scored_at"),
        String.valueOf(record.get("model")),
        (Integer) record.get("version"),
        text(record.get("sha256")),
        Role.valueOf(String.valueOf(record.get("role"))),
        text(record.get("experiment")),
        text(record.get("arm")),
        (Double) record.get("propensity"),
        (Double) record.get("score"),
        text(record.get("decision")),
        inputs,
        texts(record.get("freshness")),
        text(record.get("deployment_id")),
        rows(record.get("rows")),
        List.of(),
        null);
  }

  /** None in records that were written before rows were named. */
  private static Map<String, RowOrigin> rows(@Nullable Object map) {
    Map<String, RowOrigin> rows = new LinkedHashMap<>();
    if (map instanceof Map<?, ?> entries) {
      entries.forEach(
          (view, value) -> {
            GenericRecord row = (GenericRecord) value;
            rows.put(
                view.toString(),
                new RowOrigin(
                    (Long) row.get("time"),
                    Positions.parse(String.valueOf(row.get("source"))),
                    String.valueOf(row.get("version"))));
          });
    }
    return rows;
  }

  /** The row of {@code predictions_<model>}, columns in the order of the table's schema. */
  static final class ToRow implements MapFunction<Prediction, RowData> {
    private static final long serialVersionUID = 1L;

    /** The same few names in every prediction: each is encoded once. */
    private transient @Nullable Map<String, StringData> names;

    @Override
    public RowData map(Prediction prediction) {
      Map<StringData, @Nullable Double> inputs = new HashMap<>();
      prediction.inputs().forEach((name, value) -> inputs.put(name(name), value));
      return GenericRowData.of(
          data(prediction.predictionId()),
          data(prediction.eventId()),
          dataMap(prediction.entityKeys()),
          TimestampData.fromEpochMillis(prediction.eventTimeMillis()),
          TimestampData.fromEpochMillis(prediction.scoredAtMillis()),
          data(prediction.model()),
          prediction.version(),
          data(prediction.sha256()),
          data(prediction.role().name()),
          data(prediction.experiment()),
          data(prediction.arm()),
          prediction.propensity(),
          prediction.score(),
          data(prediction.decision()),
          new GenericMapData(inputs),
          dataMap(prediction.freshness()),
          data(prediction.deploymentId()));
    }

    private GenericMapData dataMap(Map<String, String> texts) {
      Map<StringData, @Nullable StringData> map = new HashMap<>();
      texts.forEach((name, value) -> map.put(name(name), data(value)));
      return new GenericMapData(map);
    }

    private StringData name(String name) {
      Map<String, StringData> known = names;
      if (known == null) {
        known = new HashMap<>();
        names = known;
      }
      return known.computeIfAbsent(name, StringData::fromString);
    }

    static @Nullable StringData data(@Nullable String text) {
      return text == null ? null : StringData.fromString(text);
    }
  }

  private static Map<String, String> texts(@Nullable Object map) {
    Map<String, String> texts = new HashMap<>();
    if (map instanceof Map<?, ?> entries) {
      entries.forEach((name, value) -> texts.put(name.toString(), value.toString()));
    }
    return texts;
  }

  private static @Nullable String text(@Nullable Object value) {
    return value == null ? null : value.toString();
  }

  private PredictionRecords() {}
}
