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
 * their entities came; rows that were sent and not taken come before all others. Of the task's
 * thread alone.
 */
final class RowBuffer implements RequestBuffer<RowRequest>, BatchCreator<RowRequest> {

  private final int batchRows;
  private final Counter coalesced;
  private final Map<String, RequestEntryWrapper<RowRequest>> returned = new LinkedHashMap<>();
  private final Map<String, RequestEntryWrapper<RowRequest>> waiting = new LinkedHashMap<>();
  private long bytes;

  RowBuffer(int batchRows, Counter coalesced) {
    this.batchRows = batchRows;
    this.coalesced = coalesced;
  }

  /** Takes the place of an older row of the entity; false where none waits. */
  boolean overtake(RowRequest request) {
    RequestEntryWrapper<RowRequest> newer = new RequestEntryWrapper<>(request, request.sizeBytes());
    RequestEntryWrapper<RowRequest> older = waiting.replace(request.entityKey(), newer);
    if (older == null && !returned.isEmpty()) {
      older = returned.replace(request.entityKey(), newer);
    }
    if (older == null) {
      return false;
    }
    bytes += newer.getSize() - older.getSize();
    coalesced.inc();
    return true;
  }

  /**
   * Takes a row.
   *
   * @param back whether the row was here before: then one of its entity that waits is newer
   */
  @Override
  public void add(RequestEntryWrapper<RowRequest> entry, boolean back) {
    RowRequest request = entry.getRequestEntry();
    String key = request.entityKey();
    if (waiting.containsKey(key) || returned.containsKey(key)) {
      if (!back) {
        boolean unusedOvertaken = overtake(request);
      } else {
        coalesced.inc();
      }
      return;
    }
    (back || request.isNudge() ? returned : waiting).put(key, entry);
    bytes += entry.getSize();
  }

  @Override
  public @Nullable RequestEntryWrapper<RowRequest> poll() {
    Iterator<RequestEntryWrapper<RowRequest>> oldest = oldest().iterator();
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
    Iterator<RequestEntryWrapper<RowRequest>> oldest = oldest().iterator();
    return oldest.hasNext() ? oldest.next() : null;
  }

  private Collection<RequestEntryWrapper<RowRequest>> oldest() {
    return (returned.isEmpty() ? waiting : returned).values();
  }

  @Override
  public boolean isEmpty() {
    return waiting.isEmpty() && returned.isEmpty();
  }

  @Override
  public int size() {
    return waiting.size() + returned.size();
  }

  void clear() {
    waiting.clear();
    returned.clear();
    bytes = 0;
  }

  @Override
  public Collection<RequestEntryWrapper<RowRequest>> getBufferedState() {
    List<RequestEntryWrapper<RowRequest>> all = new ArrayList<>(size());
    all.addAll(returned.values());
    all.addAll(waiting.values());
    return all;
  }

  @Override
  public long totalSizeInBytes() {
    return bytes;
  }

  /** All that waits, up to a whole batch, however few it was that made the sink send. */
  @Override
  public Batch<RowRequest> createNextBatch(
      RequestInfo unusedInfo, RequestBuffer<RowRequest> unusedBuffer) {
    List<RowRequest> batch = new ArrayList<>(Math.min(batchRows, size()));
    long before = bytes;
    while (batch.size() < batchRows) {
      RequestEntryWrapper<RowRequest> entry = poll();
      if (entry == null) {
        break;
      }
      batch.add(entry.getRequestEntry());
    }
    return new Batch<>(batch, before - bytes);
  }
}
