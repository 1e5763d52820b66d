package dev.millrace.drift.audit;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Source;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.feature.Aggregations;
import dev.millrace.core.feature.RowFold;
import dev.millrace.platform.ArchivedValues;
import dev.millrace.streaming.EventColumns;
import java.io.Serializable;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * What recomputing the rows of one view needs to know; it travels to the task.
 *
 * @param version {@code <epoch>-<id>} of the definition that is applied
 * @param features names, in the view's order
 * @param fields of the source that the view reads, with the event's id and time
 * @param keyFields the source's fields that hold the entity's keys, in its order
 * @param lagMillis how far behind its partition an accepted event may be
 * @param eventsMost of one entity in the longest window; none where there is no such limit
 * @param ttlMillis the life of an entity's state after its last event
 * @param unread why the archive cannot say what the view reads; null where it can
 * @param definition of the view as JSON, for people
 */
record AuditedView(
    String view,
    String entity,
    String version,
    String source,
    Schema schema,
    String idField,
    String timeField,
    List<String> features,
    List<String> fields,
    List<String> keyFields,
    @Nullable String filter,
    EventColumns columns,
    List<String> columnNames,
    RowFold fold,
    long dedupMillis,
    long lagMillis,
    int eventsMost,
    long ttlMillis,
    @Nullable String unread,
    String definition)
    implements Serializable {

  private static final JsonMapper JSON = new JsonMapper();

  static AuditedView of(Source source, FeatureView view, String version) {
    RowFold fold = RowFold.of(view);
    List<Aggregations.Column> columns = fold.aggregations().columns();
    TreeSet<String> fields = new TreeSet<>(view.keyFields());
    fields.add(source.eventId());
    fields.add(source.eventTime());
    for (Aggregations.Column column : columns) {
      if (column.field() != null) {
        fields.add(column.field());
      }
      addFields(fields, column.condition(), source.schema());
    }
    addFields(fields, view.filter(), source.schema());
    boolean exact = view.accuracy() == FeatureView.Accuracy.EXACT;
    return new AuditedView(
        view.name(),
        view.entity().name(),
        version,
        source.name(),
        source.schema(),
        source.eventId(),
        source.eventTime(),
        List.copyOf(view.features().stream().map(Feature::name).toList()),
        List.copyOf(fields),
        view.keyFields(),
        view.filter(),
        EventColumns.of(source, columns),
        List.copyOf(columns.stream().map(AuditedView::name).toList()),
        fold,
        source.dedupWindow().toMillis(),
        source.maxOutOfOrderness().plus(view.allowedLateness()).toMillis(),
        exact ? view.maxEventsPerKey() : Integer.MAX_VALUE,
        view.ttl().toMillis(),
        unread(source, fields),
        definition(view, source));
  }

  private static void addFields(TreeSet<String> fields, @Nullable String text, Schema schema) {
    if (text != null) {
      fields.addAll(Expression.compile(text, schema, Expression.Type.BOOLEAN, Map.of()).fields());
    }
  }

  private static String name(Aggregations.Column column) {
    return column.field() != null ? column.field() : String.valueOf(column.condition());
  }

  private static @Nullable String unread(Source source, TreeSet<String> fields) {
    if (!source.archive()) {
      return "NO_ARCHIVE: source " + source.name() + " is not archived";
    }
    for (String field : fields) {
      Schema plain = ArchivedValues.withoutNull(source.schema().getField(field).schema());
      switch (plain.getType()) {
        case ARRAY, MAP, RECORD -> {
          return "KEPT_AS_TEXT: the archive keeps field " + field + " as text";
        }
        default -> {}
      }
    }
    return null;
  }

  private static String definition(FeatureView view, Source source) {
    ObjectNode json = JSON.createObjectNode();
    json.put("view", view.name());
    json.put("id", view.id());
    json.put("source", source.name());
    json.put("entity", view.entity().name());
    json.put("filter", view.filter());
    json.put("accuracy", view.accuracy().name().toLowerCase(Locale.ROOT));
    json.put("dedup_window", source.dedupWindow().toString());
    for (Feature feature : view.features()) {
      ObjectNode one = json.withArray("features").addObject();
      one.put("name", feature.name());
      one.put("function", feature.function().name().toLowerCase(Locale.ROOT));
      one.put("column", feature.column());
      one.put("window", feature.window() == null ? null : feature.window().toString());
      if (!feature.options().equals(Feature.Options.NONE)) {
        one.put("options", feature.options().toString());
      }
    }
    return json.toString();
  }

  /** Where a field of the source stands among an event's values. */
  int position(String field) {
    Schema.Field found = schema.getField(field);
    if (found == null) {
      throw new IllegalStateException("Cannot find field " + field + " of source " + source);
    }
    return found.pos();
  }

  /** The time of the first event that has to be known for a row at T. */
  long firstMillis(long atMillis) {
    long first = fold.firstMillis(atMillis);
    // A repeat is told by the event before it, and that one by the event before.
    return first == Long.MIN_VALUE ? first : first - 2 * dedupMillis;
  }
}
