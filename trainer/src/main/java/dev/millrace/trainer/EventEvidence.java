package dev.millrace.trainer;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.platform.ArchivedValues;
import dev.millrace.platform.Warehouse;
import dev.millrace.schemas.Wire;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;
import org.jspecify.annotations.Nullable;

/** What the warehouse of a project knows of one event: what was predicted, and what came of it. */
public final class EventEvidence {

  private static final String TIME = "event_time";
  private static final String ID = "event_id";

  private final Catalog catalog;
  private final Project project;

  public EventEvidence(Catalog catalog, Project project) {
    this.catalog = catalog;
    this.project = project;
  }

  /**
   * A label that came.
   *
   * @param timeMillis of the event that said it
   */
  public record Label(double value, long timeMillis, int partition, long offset) {}

  /** The prediction of an event in the form of its topic, without rows; the table has none. */
  public Optional<GenericRecord> prediction(Model model, String eventId) {
    TableIdentifier name = Warehouse.predictions(project.name(), model.name());
    if (!catalog.tableExists(name)) {
      return Optional.empty();
    }
    WarehouseTable table = new WarehouseTable(catalog, name);
    List<String> fields =
        Wire.PREDICTION.getFields().stream().map(Schema.Field::name).filter(table::has).toList();
    List<String> read = new ArrayList<>(fields);
    boolean hasTexts = table.has(Warehouse.INPUT_TEXTS);
    if (hasTexts) {
      read.add(Warehouse.INPUT_TEXTS);
    }
    WarehouseTable.Columns columns = table.new Columns(read);
    int id = columns.position(ID);
    try (CloseableIterable<Record> rows =
        columns.read(TIME, Long.MIN_VALUE, Long.MAX_VALUE, Expressions.equal(ID, eventId))) {
      for (Record row : rows) {
        if (eventId.equals(row.get(id))) {
          GenericRecord found = record(row, fields, columns);
          if (hasTexts) {
            addTexts(found, row.get(columns.position(Warehouse.INPUT_TEXTS)));
          }
          return Optional.of(found);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read table " + name, e);
    }
    return Optional.empty();
  }

  /** The inputs that are texts have a column of their own. */
  private static void addTexts(GenericRecord prediction, @Nullable Object texts) {
    if (texts instanceof Map<?, ?> byName) {
      Map<Object, @Nullable Object> inputs = new LinkedHashMap<>();
      inputs.putAll((Map<?, ?>) prediction.get("inputs"));
      inputs.putAll(byName);
      prediction.put("inputs", inputs);
    }
  }

  private static GenericRecord record(
      Record row, List<String> fields, WarehouseTable.Columns columns) {
    GenericRecord record = new GenericData.Record(Wire.PREDICTION);
    for (String field : fields) {
      Object value = row.get(columns.position(field));
      Schema schema = Wire.PREDICTION.getField(field).schema();
      if (value instanceof OffsetDateTime) {
        value = WarehouseTable.millis(value);
      } else if (schema.getType() == Schema.Type.ENUM && value != null) {
        value = new GenericData.EnumSymbol(schema, value.toString());
      }
      record.put(field, value);
    }
    return record;
  }

  /**
   * The label of an event that its source's archive holds so far.
   *
   * @param untilMillis the last event time at which it counts
   */
  public Optional<Label> label(Model.Label label, String eventId, long untilMillis) {
    Source source = project.source(label.source()).orElseThrow();
    TableIdentifier name = Warehouse.events(project.name(), source.name());
    if (!catalog.tableExists(name)) {
      return Optional.empty();
    }
    Schema.Field on = source.schema().getField(label.on());
    Expression value =
        Expression.compile(label.value(), source.schema(), Expression.Type.DOUBLE, Map.of());
    Set<String> fields = new HashSet<>(value.fields());
    fields.add(label.on());
    List<Label> found = new ArrayList<>();
    new EventArchive(catalog, project.name(), source)
        .read(
            fields,
            Long.MIN_VALUE,
            untilMillis,
            where(on, eventId),
            (partition, offset, timeMillis, values) -> {
              Object of = values[on.pos()];
              if (of != null && String.valueOf(of).equals(eventId)) {
                double truth = truth(value, values);
                if (!Double.isNaN(truth)) {
                  found.add(new Label(truth, timeMillis, partition, offset));
                }
              }
            });
    return found.stream()
        .reduce((a, b) -> (label.repeat() == Model.Label.Repeat.FIRST) == isBefore(a, b) ? a : b);
  }

  private static boolean isBefore(Label a, Label b) {
    if (a.timeMillis != b.timeMillis) {
      return a.timeMillis < b.timeMillis;
    }
    return a.partition == b.partition ? a.offset < b.offset : a.partition < b.partition;
  }

  private static org.apache.iceberg.expressions.Expression where(Schema.Field on, String eventId) {
    Schema plain = ArchivedValues.withoutNull(on.schema());
    if (plain.getType() == Schema.Type.STRING) {
      return Expressions.equal(on.name(), eventId);
    }
    boolean whole = plain.getType() == Schema.Type.LONG || plain.getType() == Schema.Type.INT;
    return whole && plain.getLogicalType() == null && eventId.matches("-?\\d{1,9}")
        ? Expressions.equal(on.name(), Integer.parseInt(eventId))
        : Expressions.alwaysTrue();
  }

  private static double truth(Expression value, @Nullable Object[] values) {
    try {
      return value.evaluate(values) instanceof Number number ? number.doubleValue() : Double.NaN;
    } catch (ExpressionException e) {
      // What cannot be computed says nothing about the event.
      return Double.NaN;
    }
  }
}
