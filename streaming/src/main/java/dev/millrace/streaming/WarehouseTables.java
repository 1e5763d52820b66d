package dev.millrace.streaming;

import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.RowType;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableScan;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.flink.FlinkSchemaUtil;
import org.apache.iceberg.flink.source.IcebergSource;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.types.Conversions;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;

/**
 * The tables that a batch job reads, each at one snapshot. What a set reads is tagged, so that it
 * outlives the upkeep and the set can be joined again.
 */
public final class WarehouseTables implements Closeable {

  private static final Duration KEPT = Duration.ofDays(90);
  private static final long MICROS_PER_MILLI = 1000;

  private final Target target;
  private final JdbcCatalog catalog;
  private final Map<String, Long> asked;
  private final boolean kept;
  private final Map<String, Long> read = new TreeMap<>();

  /** Tables as they are now. */
  public static WarehouseTables newest(Target target) {
    return new WarehouseTables(target, Map.of(), false);
  }

  /**
   * Tables of one installation.
   *
   * @param asked the snapshots to read; the newest of tables that are not named
   * @param kept whether what is read outlives the upkeep, so that it can be read again
   */
  public WarehouseTables(Target target, Map<String, Long> asked, boolean kept) {
    this.target = target;
    this.catalog = Warehouse.open(target);
    this.asked = asked;
    this.kept = kept;
  }

  /** By table, the snapshot that is read. */
  public Map<String, Long> snapshots() {
    return read;
  }

  /** A table at its snapshot, with what is read of it. */
  public record Reading(Table table, @Nullable Snapshot snapshot) {

    /** With the name of its catalog. */
    public String name() {
      return table.name();
    }

    /** Of the rows that are read. */
    public RowType rowType(Collection<String> columns) {
      return FlinkSchemaUtil.convert(projection(columns));
    }

    private Schema projection(Collection<String> columns) {
      for (String column : columns) {
        if (table.schema().findField(column) == null) {
          throw new IllegalStateException(
              "Cannot read column %s of table %s: it has none; apply the project again"
                  .formatted(column, table.name()));
        }
      }
      return table.schema().select(columns);
    }
  }

  /** Opens a table, and keeps its snapshot. */
  public Reading open(TableIdentifier name) {
    Table table;
    try {
      table = catalog.loadTable(name);
    } catch (NoSuchTableException e) {
      throw new IllegalStateException(
          "Cannot read table %s: the warehouse has none; apply the project and wait for the first checkpoint of its jobs"
              .formatted(name),
          e);
    }
    Long wanted = asked.get(name.toString());
    Snapshot snapshot = wanted == null ? table.currentSnapshot() : table.snapshot(wanted);
    if (wanted != null && wanted >= 0 && snapshot == null) {
      throw new IllegalStateException(
          "Cannot read table %s at snapshot %d: it has expired; sets are kept for %d days, join a new one"
              .formatted(name, wanted, KEPT.toDays()));
    }
    if (snapshot != null && kept) {
      keep(table, snapshot.snapshotId());
    }
    read.put(name.toString(), snapshot == null ? -1 : snapshot.snapshotId());
    return new Reading(table, snapshot);
  }

  private static void keep(Table table, long snapshotId) {
    String tag = "training-set-" + snapshotId;
    if (!table.refs().containsKey(tag)) {
      table
          .manageSnapshots()
          .createTag(tag, snapshotId)
          .setMaxRefAgeMs(tag, KEPT.toMillis())
          .commit();
    }
  }

  /** Rows whose time is in (after, until], in no order. */
  public DataStream<RowData> rows(
      StreamExecutionEnvironment env,
      Reading reading,
      Collection<String> columns,
      String time,
      long afterMillis,
      long untilMillis,
      String uid) {
    RowType type = reading.rowType(columns);
    TableIdentifier name = TableIdentifier.parse(shortName(reading.table));
    Snapshot snapshot = reading.snapshot;
    IcebergSource.Builder<RowData> source =
        IcebergSource.forRowData()
            .tableLoader(IcebergEnds.loader(target, name))
            .streaming(false)
            .project(reading.projection(columns))
            .filters(java.util.List.of(between(time, afterMillis, untilMillis)));
    if (snapshot != null) {
      source.useSnapshotId(snapshot.snapshotId());
    }
    return env.fromSource(
            source.build(),
            WatermarkStrategy.noWatermarks(),
            name.name(),
            InternalTypeInfo.of(type))
        .uid(uid);
  }

  private static String shortName(Table table) {
    // The table's own name begins with that of the catalog.
    return table.name().substring(Warehouse.CATALOG_NAME.length() + 1);
  }

  /** The largest time of a table, from the bounds in its manifests; empty where it has no row. */
  public static OptionalLong newestMillis(Reading reading, String column) {
    OptionalLong micros = largest(reading, column);
    return micros.isEmpty()
        ? micros
        : OptionalLong.of(Math.floorDiv(micros.getAsLong(), MICROS_PER_MILLI));
  }

  /**
   * The largest value of a column of whole numbers or times, from the bounds in the manifests;
   * empty where the table has no row.
   */
  public static OptionalLong largest(Reading reading, String column) {
    Snapshot snapshot = reading.snapshot;
    if (snapshot == null) {
      return OptionalLong.empty();
    }
    Types.NestedField field = reading.table.schema().findField(column);
    long largest = Long.MIN_VALUE;
    TableScan scan =
        reading.table.newScan().useSnapshot(snapshot.snapshotId()).includeColumnStats();
    try (CloseableIterable<FileScanTask> files = scan.planFiles()) {
      for (FileScanTask file : files) {
        ByteBuffer bound =
            file.file().upperBounds() == null
                ? null
                : file.file().upperBounds().get(field.fieldId());
        if (bound != null) {
          Number value = Conversions.fromByteBuffer(field.type(), bound);
          largest = Math.max(largest, Objects.requireNonNull(value).longValue());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot plan a read of table " + reading.name(), e);
    }
    return largest == Long.MIN_VALUE ? OptionalLong.empty() : OptionalLong.of(largest);
  }

  private static Expression between(String time, long afterMillis, long untilMillis) {
    Expression until =
        untilMillis == Long.MAX_VALUE
            ? Expressions.alwaysTrue()
            : Expressions.lessThanOrEqual(time, untilMillis * MICROS_PER_MILLI);
    return afterMillis == Long.MIN_VALUE
        ? until
        : Expressions.and(Expressions.greaterThan(time, afterMillis * MICROS_PER_MILLI), until);
  }

  @Override
  public void close() {
    catalog.close();
  }
}
