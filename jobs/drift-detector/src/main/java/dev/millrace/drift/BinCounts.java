package dev.millrace.drift;

import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import dev.millrace.streaming.Values;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * How many events of one version, window and segment fell into each bin.
 *
 * @param segment field=value; null for all events
 * @param counts {@link #STRIDE} numbers a feature
 */
@SuppressWarnings("ArrayRecordComponent") // Grows while it is one operator's own; never compared.
record BinCounts(
    int version, long windowStartMillis, @Nullable String segment, long[] events, int[] counts) {

  /** No feature has more bins. */
  static final int STRIDE = 24;

  static final TypeInformation<BinCounts> TYPE =
      new RecordType<>(BinCounts.class, Serializer.INSTANCE);

  /** Nothing counted yet. */
  static BinCounts none(
      int version, long windowStartMillis, @Nullable String segment, int features) {
    return new BinCounts(
        version, windowStartMillis, segment, new long[1], new int[features * STRIDE]);
  }

  int features() {
    return counts.length / STRIDE;
  }

  void add(byte[] bins) {
    events[0]++;
    for (int f = 0; f < bins.length; f++) {
      counts[f * STRIDE + bins[f]]++;
    }
  }

  void add(BinCounts other) {
    events[0] += other.events[0];
    for (int i = 0; i < counts.length; i++) {
      counts[i] += other.counts[i];
    }
  }

  /** Writes them between operators and into state. */
  static final class Serializer extends RecordSerializer<BinCounts> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public BinCounts createInstance() {
      return none(0, 0, null, 0);
    }

    @Override
    protected void write(BinCounts counts, DataOutputView out) throws IOException {
      out.writeInt(counts.version);
      out.writeLong(counts.windowStartMillis);
      out.writeBoolean(counts.segment != null);
      if (counts.segment != null) {
        Values.writeText(counts.segment, out);
      }
      out.writeLong(counts.events[0]);
      out.writeInt(counts.counts.length);
      int filled = 0;
      for (int count : counts.counts) {
        filled += count == 0 ? 0 : 1;
      }
      out.writeInt(filled);
      for (int i = 0; i < counts.counts.length; i++) {
        if (counts.counts[i] != 0) {
          out.writeInt(i);
          out.writeInt(counts.counts[i]);
        }
      }
    }

    @Override
    public BinCounts deserialize(DataInputView in) throws IOException {
      int version = in.readInt();
      long windowStartMillis = in.readLong();
      String segment = in.readBoolean() ? Values.readText(in) : null;
      long[] events = {in.readLong()};
      int[] counts = new int[in.readInt()];
      int filled = in.readInt();
      for (int i = 0; i < filled; i++) {
        int at = in.readInt();
        counts[at] = in.readInt();
      }
      return new BinCounts(version, windowStartMillis, segment, events, counts);
    }

    @Override
    public TypeSerializerSnapshot<BinCounts> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<BinCounts> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
