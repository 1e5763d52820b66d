package dev.millrace.cli.explain;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Source;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.core.feature.Aggregations;
import dev.millrace.core.feature.Arrival;
import dev.millrace.core.feature.EventLoad;
import dev.millrace.core.row.EntityKeys;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/** A view's load, made of its source's sample: the same filter, keys and columns as in the job. */
final class SampledLoad {

  private final Source source;
  private final FeatureView view;
  private final List<Aggregations.Column> columns;
  private final int numberColumns;
  private final @Nullable Expression filter;
  private final @Nullable Expression[] conditions;

  SampledLoad(Source source, FeatureView view) {
    this.source = source;
    this.view = view;
    Aggregations aggregations = Aggregations.of(view);
    this.columns = aggregations.columns();
    this.numberColumns = aggregations.numberColumns();
    this.filter = compiled(view.filter());
    this.conditions = new Expression[columns.size()];
    for (int c = 0; c < conditions.length; c++) {
      conditions[c] = compiled(columns.get(c).condition());
    }
  }

  private @Nullable Expression compiled(@Nullable String text) {
    return text == null
        ? null
        : Expression.compile(text, source.schema(), Expression.Type.BOOLEAN, Map.of());
  }

  /** The records that count, by entity, each entity's in order of time. */
  EventLoad of(List<GenericRecord> records) {
    Map<String, List<Arrival>> byEntity = new LinkedHashMap<>();
    long fromMillis = Long.MAX_VALUE;
    long toMillis = Long.MIN_VALUE;
    long idCharacters = 0;
    for (int i = 0; i < records.size(); i++) {
      @Nullable Object[] fields = fields(records.get(i));
      if (!(fields[position(source.eventTime())] instanceof Long timeMillis)) {
        continue;
      }
      fromMillis = Math.min(fromMillis, timeMillis);
      toMillis = Math.max(toMillis, timeMillis);
      idCharacters += String.valueOf(fields[position(source.eventId())]).length();
      String key =
          EntityKeys.join(view.keyFields().stream().map(k -> fields[position(k)]).toList());
      if (key != null && (filter == null || Boolean.TRUE.equals(holds(filter, fields)))) {
        byEntity
            .computeIfAbsent(key, unusedKey -> new ArrayList<>())
            .add(new Arrival(timeMillis, 0, i, values(fields), numberColumns));
      }
    }
    if (byEntity.isEmpty()) {
      return new EventLoad(List.of(), 0, 0, 0);
    }
    List<EventLoad.OfEntity> entities = new ArrayList<>();
    byEntity.forEach(
        (key, events) -> {
          events.sort(Comparator.comparingLong(Arrival::timeMillis));
          entities.add(new EventLoad.OfEntity(key, events));
        });
    return new EventLoad(entities, (int) (idCharacters / records.size()), fromMillis, toMillis);
  }

  private int position(String field) {
    Schema.Field found = source.schema().getField(field);
    if (found == null) {
      throw new IllegalStateException(
          "Cannot find field " + field + " in the schema of source " + source.name());
    }
    return found.pos();
  }

  private static @Nullable Object[] fields(GenericRecord record) {
    @Nullable Object[] fields = new Object[record.getSchema().getFields().size()];
    for (int f = 0; f < fields.length; f++) {
      fields[f] = record.get(f);
    }
    return fields;
  }

  private @Nullable Object[] values(@Nullable Object[] fields) {
    @Nullable Object[] values = new Object[columns.size()];
    for (int c = 0; c < values.length; c++) {
      Expression condition = conditions[c];
      String field = columns.get(c).field();
      if (condition != null) {
        Boolean holds = holds(condition, fields);
        values[c] = holds == null ? null : holds ? (Double) 1.0 : (Double) 0.0;
      } else if (field != null) {
        values[c] = fields[position(field)];
      }
    }
    return values;
  }

  /** What cannot be computed has no value. */
  private static @Nullable Boolean holds(Expression condition, @Nullable Object[] fields) {
    try {
      Object result = condition.evaluate(fields);
      return result == null ? null : Boolean.TRUE.equals(result);
    } catch (ExpressionException e) {
      return null;
    }
  }
}
