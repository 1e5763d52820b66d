package dev.millrace.streaming;

import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.RowType;
import org.apache.iceberg.Schema;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.flink.CatalogLoader;
import org.apache.iceberg.flink.FlinkSchemaUtil;
import org.apache.iceberg.flink.TableLoader;
import org.apache.iceberg.flink.sink.IcebergSink;
import org.apache.iceberg.jdbc.JdbcCatalog;

/** The Iceberg ends of the jobs: appended rows, committed with each checkpoint. */
public final class IcebergEnds {

  /**
   * Appends a stream to a table, exactly once; makes the table where it is not there.
   *
   * @param uid of the sink's operators; part of the job's contract with its savepoints
   */
  public static <T> void append(
      DataStream<T> stream,
      Target target,
      TableIdentifier name,
      Schema schema,
      MapFunction<T, RowData> toRow,
      String uid) {
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      Warehouse.ensure(catalog, name, schema);
    }
    CatalogLoader loader = new WarehouseLoader(target);
    RowType rowType = FlinkSchemaUtil.convert(schema);
    DataStream<RowData> rows =
        stream
            .map(toRow)
            .returns(InternalTypeInfo.of(rowType))
            .name(name.name() + " rows")
            .uid(uid + "-rows");
    IcebergSink.forRowData(rows)
        .tableLoader(TableLoader.fromCatalog(loader, name))
        .uidSuffix(uid)
        .writeParallelism(1)
        .append();
  }

  private IcebergEnds() {}
}
