package dev.millrace.streaming;

import dev.millrace.core.definition.Source;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.core.feature.Aggregations;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * What one view takes of an event: fields as they are, fields as doubles, and conditions as 1 and
 * 0. Conditions are compiled when it is opened.
 */
public final class EventColumns implements Serializable {

  private static final long serialVersionUID = 1L;

  /**
   * One column.
   *
   * @param field index among the source's fields, or -1 where a condition is computed
   */
  private record Column(int field, @Nullable String condition, boolean number)
      implements Serializable {}

  private final List<Column> columns;
  private transient @Nullable Expression[] conditions = {};

  private EventColumns(List<Column> columns) {
    this.columns = columns;
  }

  public static EventColumns of(Source source, List<Aggregations.Column> columns) {
    return new EventColumns(
        List.copyOf(
            columns.stream()
                .map(
                    c ->
                        new Column(
                            c.field() == null ? -1 : SourcePlan.field(source, c.field()),
                            c.condition(),
                            c.number()))
                .toList()));
  }

  /** Compiles the conditions; comes before the first event. */
  public void open(Schema schema) {
    conditions = new Expression[columns.size()];
    for (int i = 0; i < conditions.length; i++) {
      String condition = columns.get(i).condition;
      conditions[i] =
          condition == null
              ? null
              : Expression.compile(condition, schema, Expression.Type.BOOLEAN, Map.of());
    }
  }

  /**
   * The columns' values for one event: a number column's is a Double or null, another's is what the
   * field holds.
   *
   * @param failed called for each condition that cannot be computed; it has no value then
   */
  public @Nullable Object[] of(@Nullable Object[] fields, Runnable failed) {
    @Nullable Object[] values = new Object[columns.size()];
    for (int i = 0; i < values.length; i++) {
      Column column = columns.get(i);
      Expression condition = conditions[i];
      if (condition != null) {
        values[i] = holds(condition, fields, failed);
      } else {
        Object value = fields[column.field];
        values[i] = column.number && value instanceof Number n ? (Double) n.doubleValue() : value;
      }
    }
    return values;
  }

  private static @Nullable Double holds(
      Expression condition, @Nullable Object[] fields, Runnable failed) {
    try {
      Object result = condition.evaluate(fields);
      return result == null ? null : Boolean.TRUE.equals(result) ? 1.0 : 0.0;
    } catch (ExpressionException e) {
      failed.run();
      return null;
    }
  }
}
