package dev.millrace.streaming;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.connector.base.sink.writer.Batch;
import org.apache.flink.connector.base.sink.writer.BatchCreator;
import org.apache.flink.connector.base.sink.writer.RequestBuffer;
import org.apache.flink.connector.base.sink.writer.RequestEntryWrapper;
import org.apache.flink.connector.base.sink.writer.strategy.RequestInfo;
import org.apache.flink.metrics.Counter;
import org.jspecify.annotations.Nullable;

/**
 * The rows that wait for Redis, one for each entity: the newest. They leave in the order in which
 * their entities came. Of the task's thread alone.
 */
final class RowBuffer implements RequestBuffer<RowRequest>, BatchCreator<RowRequest> {

  private final int batchRows;
  private final Counter coalesced;
  private final Map<String, RequestEntryWrapper<RowRequest>> waiting = new LinkedHashMap<>();
  private long bytes;

  RowBuffer(int batchRows, Counter coalesced) {
    this.batchRows = batchRows;
    this.coalesced = coalesced;
  }

  /** Takes the place of an older row of the entity; false where none waits. */
  boolean overtake(RowRequest request) {
    RequestEntryWrapper<RowRequest> older =
        waiting.replace(
            request.entityKey(), new RequestEntryWrapper<>(request, request.sizeBytes()));
    if (older == null) {
      return false;
    }
    bytes += request.sizeBytes() - older.getSize();
    coalesced.inc();
    return true;
  }

  /**
   * @param returned whether the row was sent and not taken: then one that waits is newer
   */
  @Override
  public void add(RequestEntryWrapper<RowRequest> entry, boolean returned) {
    String key = entry.getRequestEntry().entityKey();
    RequestEntryWrapper<RowRequest> other =
        returned ? waiting.putIfAbsent(key, entry) : waiting.put(key, entry);
    if (other == null) {
      bytes += entry.getSize();
      return;
    }
    coalesced.inc();
    if (!returned) {
      bytes += entry.getSize() - other.getSize();
    }
  }

  @Override
  public @Nullable RequestEntryWrapper<RowRequest> poll() {
    Iterator<RequestEntryWrapper<RowRequest>> oldest = waiting.values().iterator();
    if (!oldest.hasNext()) {
      return null;
    }
    RequestEntryWrapper<RowRequest> polled = oldest.next();
    oldest.remove();
    bytes -= polled.getSize();
    return polled;
  }

  @Override
  public @Nullable RequestEntryWrapper<RowRequest> peek() {
    Iterator<RequestEntryWrapper<RowRequest>> oldest = waiting.values().iterator();
    return oldest.hasNext() ? oldest.next() : null;
  }

  @Override
  public boolean isEmpty() {
    return waiting.isEmpty();
  }

  @Override
  public int size() {
    return waiting.size();
  }

  void clear() {
    waiting.clear();
    bytes = 0;
  }

  @Override
  public Collection<RequestEntryWrapper<RowRequest>> getBufferedState() {
    return List.copyOf(waiting.values());
  }

  @Override
  public long totalSizeInBytes() {
    return bytes;
  }

  /** All that waits, up to a whole batch, however few it was that made the sink send. */
  @Override
  public Batch<RowRequest> createNextBatch(
      RequestInfo unusedInfo, RequestBuffer<RowRequest> unusedBuffer) {
    List<RowRequest> batch = new ArrayList<>(Math.min(batchRows, waiting.size()));
    long batchBytes = 0;
    Iterator<RequestEntryWrapper<RowRequest>> oldest = waiting.values().iterator();
    while (batch.size() < batchRows && oldest.hasNext()) {
      RequestEntryWrapper<RowRequest> entry = oldest.next();
      oldest.remove();
      batch.add(entry.getRequestEntry());
      batchBytes += entry.getSize();
    }
    bytes -= batchBytes;
    return new Batch<>(batch, batchBytes);
  }
}
