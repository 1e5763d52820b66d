package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Source;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.core.feature.Aggregations;
import dev.millrace.core.row.EntityKeys;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.EventColumns;
import dev.millrace.streaming.SourcePlan;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/** Which events of its source one view takes, and what it takes of them. */
final class ViewInput implements Serializable {

  private static final long serialVersionUID = 1L;

  private final String view;
  private final String id;
  private final @Nullable String filterText;
  private final List<Integer> keyFields;
  private final EventColumns columns;

  /** Whether events carry their ids, by which repeated ones are found. */
  private final boolean named;

  private final long lagMillis;
  private transient @Nullable Expression filter;

  private ViewInput(
      String view,
      String id,
      @Nullable String filterText,
      List<Integer> keyFields,
      EventColumns columns,
      boolean named,
      long lagMillis) {
    this.view = view;
    this.id = id;
    this.filterText = filterText;
    this.keyFields = keyFields;
    this.columns = columns;
    this.named = named;
    this.lagMillis = lagMillis;
  }

  static ViewInput of(Source source, FeatureView view, long maxOutOfOrdernessMillis) {
    return new ViewInput(
        view.name(),
        view.id(),
        view.filter(),
        List.copyOf(view.keyFields().stream().map(f -> SourcePlan.field(source, f)).toList()),
        EventColumns.of(source, Aggregations.of(view).columns()),
        !source.dedupWindow().isZero(),
        // Rows of a view were judged when they were events of its source: none is late again.
        source.kind() == Source.Kind.VIEW
            ? Long.MAX_VALUE
            : maxOutOfOrdernessMillis + view.allowedLateness().toMillis());
  }

  /** The source's fields that a view reads, its expressions' among them. */
  static Set<String> fields(Source source, FeatureView view) {
    Set<String> fields = new LinkedHashSet<>(List.of(source.eventId(), source.eventTime()));
    fields.addAll(view.keyFields());
    String filter = view.filter();
    if (filter != null) {
      fields.addAll(compiled(filter, source.schema()).fields());
    }
    for (Aggregations.Column column : Aggregations.of(view).columns()) {
      if (column.field() != null) {
        fields.add(column.field());
      }
      if (column.condition() != null) {
        fields.addAll(compiled(column.condition(), source.schema()).fields());
      }
    }
    return fields;
  }

  void open(Schema schema) {
    filter = filterText == null ? null : compiled(filterText, schema);
    columns.open(schema);
  }

  private static Expression compiled(String text, Schema schema) {
    return Expression.compile(text, schema, Expression.Type.BOOLEAN, Map.of());
  }

  String view() {
    return view;
  }

  /** Its definition. */
  String id() {
    return id;
  }

  /** The view as a verdict names it where another definition of it is judged too. */
  String label() {
    return view + "@" + id;
  }

  /** How far behind the largest event time of its partition an event may be. */
  long lagMillis() {
    return lagMillis;
  }

  /**
   * Whether the filter takes the event.
   *
   * @param failed called where it cannot be computed
   */
  boolean passes(@Nullable Object[] fields, Runnable failed) {
    Expression compiled = filter;
    if (compiled == null) {
      return true;
    }
    try {
      return Boolean.TRUE.equals(compiled.evaluate(fields));
    } catch (ExpressionException e) {
      // An expression that cannot be computed has no value, and a filter takes null as false.
      failed.run();
      return false;
    }
  }

  /** Whether an event is late, by the largest event time that came before it in its partition. */
  boolean late(long eventMillis, long largestMillis) {
    return largestMillis - eventMillis > lagMillis;
  }

  /**
   * The event as the view sees it; null where a field of its key is.
   *
   * @param failed called for each condition that cannot be computed
   */
  @Nullable ViewEvent event(Event event, Runnable failed) {
    List<@Nullable Object> key = new ArrayList<>(keyFields.size());
    for (int field : keyFields) {
      key.add(event.values()[field]);
    }
    String entityKey = EntityKeys.join(key);
    return entityKey == null
        ? null
        : new ViewEvent(
            entityKey,
            event.eventTimeMillis(),
            event.partition(),
            event.offset(),
            columns.of(event.values(), failed),
            named ? event.id() : null);
  }
}
