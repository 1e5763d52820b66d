package dev.millrace.streaming;

import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.RedisRowSink.Refreshes;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.apache.flink.api.connector.sink2.Committer;

/**
 * Writes refreshed rows once their checkpoint is complete, on the task's thread: while Redis does
 * not take them the task waits, or lets the oldest go.
 */
final class RefreshCommitter implements Committer<Refreshes> {

  private final RowStore store;
  private final RedisOutage outage;
  private final LongSupplier clock;
  private final Map<String, FeatureRow> waiting = new LinkedHashMap<>();

  RefreshCommitter(RowStore store, RedisOutage outage, LongSupplier clock) {
    this.store = store;
    this.outage = outage;
    this.clock = clock;
  }

  @Override
  public void commit(Collection<CommitRequest<Refreshes>> requests) throws IOException {
    for (CommitRequest<Refreshes> request : requests) {
      for (FeatureRow row : request.getCommittable().rows()) {
        waiting.put(row.entityKey(), row);
      }
    }
    while (!waiting.isEmpty()) {
      List<FeatureRow> batch = oldest();
      long startedMillis = clock.getAsLong();
      RowStore.Attempt attempt = store.write(batch);
      batch.forEach(row -> waiting.remove(row.entityKey()));
      if (attempt.whole()) {
        outage.answered();
        continue;
      }
      attempt.left().forEach(row -> waiting.put(row.entityKey(), row));
      long pauseMillis =
          outage.failed(
              String.valueOf(attempt.reason()),
              startedMillis,
              attempt.left().size() < batch.size());
      if (outage.skips()) {
        letGo();
        return;
      }
      pause(pauseMillis);
    }
  }

  private List<FeatureRow> oldest() {
    List<FeatureRow> batch = new ArrayList<>(Math.min(RedisRowWriter.BATCH_ROWS, waiting.size()));
    for (FeatureRow row : waiting.values()) {
      if (batch.size() == RedisRowWriter.BATCH_ROWS) {
        break;
      }
      batch.add(row);
    }
    return batch;
  }

  /** What stays is tried with the next checkpoint's. */
  private void letGo() {
    Iterator<FeatureRow> oldest = waiting.values().iterator();
    while (waiting.size() > RedisRowWriter.KEPT_ROWS) {
      FeatureRow unusedRow = oldest.next();
      oldest.remove();
      outage.skipped(1);
    }
  }

  private static void pause(long millis) throws IOException {
    LockSupport.parkNanos(millis * 1_000_000);
    if (Thread.interrupted()) {
      Thread.currentThread().interrupt();
      throw new IOException("Cannot write refreshed rows to Redis: interrupted");
    }
  }

  @Override
  public void close() {
    store.close();
  }
}
