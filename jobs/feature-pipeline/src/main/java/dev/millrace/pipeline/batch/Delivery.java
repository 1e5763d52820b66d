package dev.millrace.pipeline.batch;

import java.util.List;
import org.apache.flink.api.connector.source.SourceSplit;
import org.jspecify.annotations.Nullable;

/**
 * Files that were found together, in the order in which they are read.
 *
 * @param firstOffset the position of the first row
 * @param tableSchema of the Iceberg table, as JSON; null where each file says its own
 * @param handedOn how many rows, and letters in their place, were handed on already
 */
record Delivery(
    long firstOffset, List<DeliveredFile> files, @Nullable String tableSchema, long handedOn)
    implements SourceSplit {

  Delivery {
    files = List.copyOf(files);
  }

  @Override
  public String splitId() {
    return "from-" + firstOffset;
  }

  long rows() {
    return files.stream().mapToLong(DeliveredFile::rows).sum();
  }

  Delivery after(long rows) {
    return new Delivery(firstOffset, files, tableSchema, rows);
  }
}
