package dev.millrace.streaming;

import dev.millrace.core.row.FeatureRow;
import java.io.IOException;
import java.io.Serializable;
import java.net.URI;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.operators.ProcessingTimeService;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.api.connector.sink2.CommitterInitContext;
import org.apache.flink.api.connector.sink2.CommittingSinkWriter;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SupportsCommitter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;

/**
 * Writes rows to Redis, guarded, in pipelined batches; of several rows of one key in a batch only
 * the newest is sent.
 *
 * <p>Rows of events are written at once. A row whose T comes from a refresh is handed to the
 * committer, which Flink calls when the checkpoint that contains it is complete: had it been
 * written before and the job fallen back, the replayed rows of the entity would have a smaller T
 * and be refused until time passed it.
 *
 * <p>At least once, and idempotent: a row that was written before is refused by the guard. While
 * Redis does not answer, the sink waits and tries again, and the job behind it waits too.
 */
public final class RedisRowSink
    implements Sink<FeatureRow>, SupportsCommitter<RedisRowSink.Refreshes> {

  private static final long serialVersionUID = 1L;

  private static final int BATCH_ROWS = 256;
  private static final long LINGER_MILLIS = 2;

  /** How a connection is made; a test brings its own store. */
  public interface StoreFactory extends Serializable {
    RowStore open(MetricGroup metrics);
  }

  private final RedisGuard guard;
  private final StoreFactory stores;

  public RedisRowSink(RedisGuard guard, URI redis) {
    this(guard, metrics -> new JedisRowStore(redis, metrics));
  }

  public RedisRowSink(RedisGuard guard, StoreFactory stores) {
    this.guard = guard;
    this.stores = stores;
  }

  /** The newest refreshed row of each key since the last checkpoint. */
  public record Refreshes(List<FeatureRow> rows) {}

  @Override
  public Writer createWriter(WriterInitContext context) {
    return new Writer(
        guard,
        stores.open(context.metricGroup()),
        context.getProcessingTimeService(),
        context.metricGroup());
  }

  @Override
  public Committer<Refreshes> createCommitter(CommitterInitContext context) {
    return new RefreshCommitter(guard, stores.open(context.metricGroup()));
  }

  @Override
  public SimpleVersionedSerializer<Refreshes> getCommittableSerializer() {
    return new RefreshesSerializer();
  }

  /** The writer of one subtask. */
  static final class Writer implements CommittingSinkWriter<FeatureRow, Refreshes> {
    private final RedisGuard guard;
    private final RowStore store;
    private final ProcessingTimeService time;
    private final Counter written;
    private final Counter coalesced;
    private final Map<String, FeatureRow> batch = new LinkedHashMap<>();
    private final Map<String, FeatureRow> refreshes = new LinkedHashMap<>();
    private boolean timerSet;

    Writer(RedisGuard guard, RowStore store, ProcessingTimeService time, MetricGroup metrics) {
      this.guard = guard;
      this.store = store;
      this.time = time;
      this.written = metrics.counter("redisRowsSent");
      this.coalesced = metrics.counter("redisRowsCoalesced");
    }

    // What the timer throws fails the task by itself.
    @SuppressWarnings("FutureReturnValueIgnored")
    @Override
    public void write(FeatureRow row, Context context) throws IOException {
      Map<String, FeatureRow> into = row.refresh() ? refreshes : batch;
      if (into.put(guard.key(row), row) != null) {
        coalesced.inc();
      }
      if (batch.size() >= BATCH_ROWS) {
        send();
      } else if (!timerSet && !batch.isEmpty()) {
        timerSet = true;
        time.registerTimer(
            time.getCurrentProcessingTime() + LINGER_MILLIS,
            at -> {
              timerSet = false;
              send();
            });
      }
    }

    @Override
    public void flush(boolean endOfInput) throws IOException {
      send();
    }

    @Override
    public Collection<Refreshes> prepareCommit() {
      if (refreshes.isEmpty()) {
        return List.of();
      }
      Refreshes prepared = new Refreshes(List.copyOf(refreshes.values()));
      refreshes.clear();
      return List.of(prepared);
    }

    private void send() throws IOException {
      if (!batch.isEmpty()) {
        store.write(guard, batch);
        written.inc(batch.size());
        batch.clear();
      }
    }

    @Override
    public void close() {
      store.close();
    }
  }

  /** Writes refreshed rows once their checkpoint is complete. */
  private static final class RefreshCommitter implements Committer<Refreshes> {
    private final RedisGuard guard;
    private final RowStore store;

    RefreshCommitter(RedisGuard guard, RowStore store) {
      this.guard = guard;
      this.store = store;
    }

    @Override
    public void commit(Collection<CommitRequest<Refreshes>> requests) throws IOException {
      Map<String, FeatureRow> newest = new LinkedHashMap<>();
      for (CommitRequest<Refreshes> request : requests) {
        for (FeatureRow row : request.getCommittable().rows()) {
          newest.put(guard.key(row), row);
          if (newest.size() >= BATCH_ROWS) {
            store.write(guard, newest);
            newest.clear();
          }
        }
      }
      if (!newest.isEmpty()) {
        store.write(guard, newest);
      }
    }

    @Override
    public void close() {
      store.close();
    }
  }

  /** Writes committables into checkpoints. */
  static final class RefreshesSerializer implements SimpleVersionedSerializer<Refreshes> {
    private static final int VERSION = 1;

    @Override
    public int getVersion() {
      return VERSION;
    }

    @Override
    public byte[] serialize(Refreshes refreshes) throws IOException {
      DataOutputSerializer out = new DataOutputSerializer(256);
      out.writeInt(refreshes.rows().size());
      for (FeatureRow row : refreshes.rows()) {
        Serializers.FeatureRowSerializer.INSTANCE.serialize(row, out);
      }
      return out.getCopyOfBuffer();
    }

    @Override
    public Refreshes deserialize(int version, byte[] bytes) throws IOException {
      if (version != VERSION) {
        throw new IOException(
            "Cannot read refreshed rows: written by version " + version + ", known is " + VERSION);
      }
      DataInputDeserializer in = new DataInputDeserializer(bytes);
      int size = in.readInt();
      List<FeatureRow> rows = new ArrayList<>(size);
      for (int i = 0; i < size; i++) {
        rows.add(Serializers.FeatureRowSerializer.INSTANCE.deserialize(in));
      }
      return new Refreshes(rows);
    }
  }
}
