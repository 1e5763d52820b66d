package dev.millrace.pipeline;

import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * An event out of the archive, with its place in the replay.
 *
 * @param orderMillis events of an entity come in the order of (this, partition, offset)
 */
record Replayed(ViewEvent event, long orderMillis) {

  static final TypeInformation<Replayed> TYPE =
      new RecordType<>(Replayed.class, Serializer.INSTANCE);

  /** Writes replayed events. */
  static final class Serializer extends RecordSerializer<Replayed> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public Replayed createInstance() {
      return new Replayed(ViewEvent.Serializer.INSTANCE.createInstance(), 0);
    }

    @Override
    protected void write(Replayed replayed, DataOutputView out) throws IOException {
      ViewEvent.Serializer.INSTANCE.serialize(replayed.event, out);
      out.writeLong(replayed.orderMillis);
    }

    @Override
    public Replayed deserialize(DataInputView in) throws IOException {
      return new Replayed(ViewEvent.Serializer.INSTANCE.deserialize(in), in.readLong());
    }

    @Override
    public TypeSerializerSnapshot<Replayed> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Replayed> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
