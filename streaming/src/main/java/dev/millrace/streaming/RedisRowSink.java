package dev.millrace.streaming;

import dev.millrace.core.definition.FeatureView.RedisOptions.Unavailable;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.platform.RedisTarget;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.api.connector.sink2.CommitterInitContext;
import org.apache.flink.api.connector.sink2.SupportsCommitter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.base.sink.AsyncSinkBase;
import org.apache.flink.connector.base.sink.writer.BufferedRequestState;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.metrics.MetricGroup;

/**
 * Writes rows to Redis, guarded, in pipelined batches that form by themselves while others are
 * under way; of several rows of one key that wait only the newest is sent.
 *
 * <p>Rows of events are written at once. A row whose T comes from a refresh is handed to the
 * committer, which Flink calls when the checkpoint that contains it is complete: had it been
 * written before and the job fallen back, the replayed rows of the entity would have a smaller T
 * and be refused until time passed it.
 *
 * <p>At least once, and idempotent: a row that was written before is refused by the guard. While
 * Redis does not take rows, those that wait are part of the checkpoints; when there are too many
 * the job waits, or lets the oldest go.
 */
public final class RedisRowSink extends AsyncSinkBase<FeatureRow, RowRequest>
    implements SupportsCommitter<RedisRowSink.Refreshes> {

  private static final long serialVersionUID = 2L;

  /** How a connection is made; a test brings its own store. */
  public interface StoreFactory extends Serializable {
    RowStore open(MetricGroup metrics);
  }

  private final String redis;
  private final StoreFactory stores;
  private final Unavailable unavailable;

  public RedisRowSink(RowLayout layout, RedisTarget redis, Unavailable unavailable) {
    this(redis.toString(), metrics -> new JedisRowStore(redis, layout, metrics), unavailable);
  }

  /**
   * A sink into any store.
   *
   * @param redis its address, for messages
   */
  public RedisRowSink(String redis, StoreFactory stores, Unavailable unavailable) {
    super(
        (row, unusedContext) -> new RowRequest(row),
        RedisRowWriter.BATCH_ROWS,
        1,
        Integer.MAX_VALUE,
        Long.MAX_VALUE,
        Long.MAX_VALUE,
        Long.MAX_VALUE);
    this.redis = redis;
    this.stores = stores;
    this.unavailable = unavailable;
  }

  /** The newest refreshed row of each key since the last checkpoint. */
  public record Refreshes(List<FeatureRow> rows) {}

  @Override
  public RedisRowWriter createWriter(WriterInitContext context) {
    return restoreWriter(context, List.of());
  }

  @Override
  public RedisRowWriter restoreWriter(
      WriterInitContext context, Collection<BufferedRequestState<RowRequest>> waiting) {
    return RedisRowWriter.open(
        context, stores.open(context.metricGroup()), redis, unavailable, waiting);
  }

  @Override
  public SimpleVersionedSerializer<BufferedRequestState<RowRequest>> getWriterStateSerializer() {
    return new RowRequestSerializer();
  }

  @Override
  public Committer<Refreshes> createCommitter(CommitterInitContext context) {
    return new RefreshCommitter(
        stores.open(context.metricGroup()),
        new RedisOutage(redis, unavailable, System::currentTimeMillis, context.metricGroup()),
        System::currentTimeMillis);
  }

  @Override
  public SimpleVersionedSerializer<Refreshes> getCommittableSerializer() {
    return new RefreshesSerializer();
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
