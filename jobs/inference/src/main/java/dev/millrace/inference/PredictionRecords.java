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
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.RowData;
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
    Map<String, @Nullable Object> inputs = new LinkedHashMap<>();
    ((Map<?, ?>) record.get("inputs"))
        .forEach((name, value) -> inputs.put(name.toString(), input(value)));
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

  private static @Nullable Object input(@Nullable Object value) {
    return value instanceof CharSequence text
        ? text.toString()
        : value instanceof Double d ? d : null;
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

    /** The last is that of the texts among the inputs. */
    private static final int COLUMNS = 18;

    private transient @Nullable Columns columns;

    @Override
    public RowData map(Prediction prediction) {
      return row(prediction, null);
    }

    /**
     * A row.
     *
     * @param run a column between its last two; null where there is none
     */
    GenericRowData row(Prediction prediction, @Nullable String run) {
      Columns made = columns();
      TableTexts texts = made.texts;
      GenericRowData row = new GenericRowData(run == null ? COLUMNS : COLUMNS + 1);
      row.setField(0, TableTexts.one(prediction.predictionId()));
      row.setField(1, TableTexts.one(prediction.eventId()));
      row.setField(2, made.entityKeys.of(prediction.entityKeys()));
      row.setField(3, TimestampData.fromEpochMillis(prediction.eventTimeMillis()));
      row.setField(4, TimestampData.fromEpochMillis(prediction.scoredAtMillis()));
      row.setField(5, texts.ofFew(prediction.model()));
      row.setField(6, prediction.version());
      row.setField(7, texts.ofFew(prediction.sha256()));
      row.setField(8, texts.ofFew(prediction.role().name()));
      row.setField(9, texts.ofFew(prediction.experiment()));
      row.setField(10, texts.ofFew(prediction.arm()));
      row.setField(11, prediction.propensity());
      row.setField(12, prediction.score());
      row.setField(13, texts.ofFew(prediction.decision()));
      made.inputs(prediction.inputs(), row);
      row.setField(15, made.freshness.of(prediction.freshness()));
      row.setField(16, texts.ofFew(prediction.deploymentId()));
      if (run != null) {
        row.setField(17, texts.ofFew(run));
      }
      return row;
    }

    private Columns columns() {
      Columns made = columns;
      if (made == null) {
        made = new Columns();
        columns = made;
      }
      return made;
    }

    private static final class Columns {
      final TableTexts texts = new TableTexts();
      final TableTexts.Maps<String> entityKeys = texts.maps(TableTexts::one);
      final TableTexts.Maps<String> freshness = texts.maps(texts::ofFew);
      private final TableTexts.Maps<@Nullable Object> numbers = texts.maps(this::number);
      private final TableTexts.Maps<@Nullable Object> words =
          texts.maps(text -> TableTexts.one((String) text));

      /** Whether one of the inputs that were taken for numbers is a text. */
      private boolean hasText;

      private @Nullable Object number(@Nullable Object value) {
        hasText |= value instanceof String;
        return value;
      }

      /** Numbers, and what is missing, are in one column; texts have their own, the last. */
      void inputs(Map<String, @Nullable Object> inputs, GenericRowData row) {
        hasText = false;
        MapData all = numbers.of(inputs);
        if (!hasText) {
          row.setField(14, all);
          return;
        }
        Map<String, @Nullable Object> told = new LinkedHashMap<>(inputs);
        told.values().removeIf(String.class::isInstance);
        row.setField(14, numbers.of(told));
        Map<String, @Nullable Object> said = new LinkedHashMap<>(inputs);
        said.values().removeIf(value -> !(value instanceof String));
        row.setField(row.getArity() - 1, words.of(said));
      }
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
