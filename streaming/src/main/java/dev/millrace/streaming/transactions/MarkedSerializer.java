package dev.millrace.streaming.transactions;

import java.io.IOException;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.jspecify.annotations.Nullable;

/** The connector's own form with the mark before it; the form without marks is still read. */
final class MarkedSerializer<C> implements SimpleVersionedSerializer<Marked<C>> {

  /** Far from the connector's versions, which are read as what they are: without a mark. */
  static final int VERSION = 1001;

  private static final int BYTES_ABOUT = 128;

  private final SimpleVersionedSerializer<C> plain;

  MarkedSerializer(SimpleVersionedSerializer<C> plain) {
    this.plain = plain;
  }

  @Override
  public int getVersion() {
    return VERSION;
  }

  @Override
  public byte[] serialize(Marked<C> marked) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(BYTES_ABOUT);
    Mark mark = marked.mark();
    out.writeBoolean(mark != null);
    if (mark != null) {
      out.writeUTF(mark.topic());
      out.writeInt(mark.partition());
      out.writeLong(mark.offset());
      out.writeLong(mark.timestampMillis());
    }
    out.writeInt(plain.getVersion());
    byte[] bytes = plain.serialize(marked.committable());
    out.writeInt(bytes.length);
    out.write(bytes);
    return out.getCopyOfBuffer();
  }

  @Override
  public Marked<C> deserialize(int version, byte[] serialized) throws IOException {
    if (version != VERSION) {
      return new Marked<>(plain.deserialize(version, serialized), null);
    }
    DataInputDeserializer in = new DataInputDeserializer(serialized);
    @Nullable Mark mark =
        in.readBoolean()
            ? new Mark(in.readUTF(), in.readInt(), in.readLong(), in.readLong())
            : null;
    int plainVersion = in.readInt();
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes);
    return new Marked<>(plain.deserialize(plainVersion, bytes), mark);
  }
}
