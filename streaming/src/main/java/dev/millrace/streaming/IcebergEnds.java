package dev.millrace.streaming;

import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.RowType;
import org.apache.iceberg.Schema;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.flink.FlinkSchemaUtil;
import org.apache.iceberg.flink.TableLoader;
import org.apache.iceberg.flink.sink.IcebergSink;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.jspecify.annotations.Nullable;

/** The Iceberg ends of the jobs: appended rows, committed with each checkpoint. */
public final class IcebergEnds {

  /** Appends a stream to a table without partitions. */
  public static <T> void append(
      DataStream<T> stream,
      Target target,
      TableIdentifier name,
      Schema schema,
      MapFunction<T, RowData> toRow,
      String uid) {
    append(stream, target, name, schema, null, toRow, uid);
  }

  /**
   * Appends a stream to a table, exactly once; makes the table where it is not there.
   *
   * @param dayOf the timestamp by whose day the table is partitioned; null for none
   * @param uid of the sink's operators; part of the job's contract with its savepoints
   */
  public static <T> void append(
      DataStream<T> stream,
      Target target,
      TableIdentifier name,
      Schema schema,
      @Nullable String dayOf,
      MapFunction<T, RowData> toRow,
      String uid) {
    append(stream, target, name, schema, dayOf, toRow, uid, 1);
  }

  /**
   * The same with several writers, each with files of its own: for batches, which commit once.
   *
   * @param writers how many write at the same time
   */
  public static <T> void append(
      DataStream<T> stream,
      Target target,
      TableIdentifier name,
      Schema schema,
      @Nullable String dayOf,
      MapFunction<T, RowData> toRow,
      String uid,
      int writers) {
    Schema there;
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      there = Warehouse.ensure(catalog, name, schema, dayOf).schema();
    }
    RowType rowType = FlinkSchemaUtil.convert(there);
    DataStream<RowData> rows =
        stream
            .map(TableColumns.of(schema, there, toRow))
            .returns(InternalTypeInfo.of(rowType))
            .name(name.name() + " rows")
            .uid(uid + "-rows")
            // Beside the writer: a row of the table, with its maps, costs more to send than what
            // it is made from.
            .setParallelism(writers);
    IcebergSink.forRowData(rows)
        .tableLoader(loader(target, name))
        .uidSuffix(uid)
        .writeParallelism(writers)
        .append();
  }

  /** Opens a table of the warehouse in a task. */
  public static TableLoader loader(Target target, TableIdentifier name) {
    return TableLoader.fromCatalog(new WarehouseLoader(target), name);
  }

  /**
   * Keeps all tables of a project small, those that its other jobs write too: small files are
   * joined, old snapshots forgotten. One operator, one thread beside it, no state.
   *
   * @param beside any stream of the job; its records are ignored, its end is the upkeep's
   */
  public static <T> void upkeep(DataStream<T> beside, Target target, String project) {
    beside
        .transform(
            "table upkeep", Types.VOID, new UpkeepOperator<T>(new WarehouseLoader(target), project))
        .uid("table-upkeep")
        .setParallelism(1)
        .setMaxParallelism(1);
  }

  private IcebergEnds() {}
}
