package dev.millrace.trainer;

import dev.millrace.core.definition.Source;
import dev.millrace.platform.ArchivedValues;
import dev.millrace.platform.Warehouse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.apache.avro.Schema;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;
import org.jspecify.annotations.Nullable;

/** The archived events of a source, with values as they were when they were decoded. */
final class EventArchive {

  private static final String PARTITION = "_partition";
  private static final String OFFSET = "_offset";

  private final WarehouseTable table;
  private final Source source;

  EventArchive(Catalog catalog, String project, Source source) {
    this.table = new WarehouseTable(catalog, Warehouse.events(project, source.name()));
    this.source = source;
  }

  /** Takes one event; the values are only good until it returns. */
  interface Reader {
    /**
     * @param values by the position of the source's fields; null too for a field that was not asked
     *     for
     */
    void accept(int partition, long offset, long timeMillis, @Nullable Object[] values);
  }

  WarehouseTable table() {
    return table;
  }

  /** The largest event time; empty where there is no event. */
  OptionalLong newestMillis() {
    long newest = Long.MIN_VALUE;
    WarehouseTable.Columns columns = table.new Columns(List.of(source.eventTime()));
    try (CloseableIterable<Record> records =
        columns.read(source.eventTime(), Long.MIN_VALUE, Long.MAX_VALUE)) {
      for (Record record : records) {
        Object time = record.get(0);
        if (time != null) {
          newest = Math.max(newest, WarehouseTable.millis(time));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read table " + table.name(), e);
    }
    return newest == Long.MIN_VALUE ? OptionalLong.empty() : OptionalLong.of(newest);
  }

  /** Reads the events of (after, until]. */
  void read(Collection<String> fields, long afterMillis, long untilMillis, Reader reader) {
    read(fields, afterMillis, untilMillis, Expressions.alwaysTrue(), reader);
  }

  /** The same, but may leave out events that {@code where} does not hold for. */
  void read(
      Collection<String> fields,
      long afterMillis,
      long untilMillis,
      Expression where,
      Reader reader) {
    Set<String> wanted = new LinkedHashSet<>(fields);
    wanted.add(source.eventTime());
    wanted.add(PARTITION);
    wanted.add(OFFSET);
    WarehouseTable.Columns columns = table.new Columns(wanted);
    int time = columns.position(source.eventTime());
    int partition = columns.position(PARTITION);
    int offset = columns.position(OFFSET);
    List<Field> taken = fields(wanted, columns);
    @Nullable Object[] values = new @Nullable Object[source.schema().getFields().size()];
    try (CloseableIterable<Record> records =
        columns.read(source.eventTime(), afterMillis, untilMillis, where)) {
      for (Record record : records) {
        Object timestamp = record.get(time);
        if (timestamp == null) {
          continue;
        }
        for (Field field : taken) {
          Object value = record.get(field.column);
          values[field.position] = ArchivedValues.decoded(value, field.schema);
        }
        reader.accept(
            (Integer) record.get(partition),
            (Long) record.get(offset),
            WarehouseTable.millis(timestamp),
            values);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read table " + table.name(), e);
    }
  }

  private record Field(int column, int position, Schema schema) {}

  private List<Field> fields(Set<String> wanted, WarehouseTable.Columns columns) {
    List<Field> taken = new ArrayList<>();
    for (Schema.Field field : source.schema().getFields()) {
      if (!wanted.contains(field.name())) {
        continue;
      }
      Schema plain = ArchivedValues.withoutNull(field.schema());
      switch (plain.getType()) {
        case ARRAY, MAP, RECORD ->
            throw TrainingException.ofDefinition(
                ("Cannot read field %s of source %s from its archive: %s values are kept there as"
                        + " text; use fields of plain types in inputs and labels")
                    .formatted(field.name(), source.name(), plain.getType()));
        default -> taken.add(new Field(columns.position(field.name()), field.pos(), plain));
      }
    }
    return taken;
  }
}
