package dev.millrace.pipeline.training;

import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import dev.millrace.streaming.Values;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * What is said later about an event: its label, or when it was scored.
 *
 * @param timeMillis of the label's event, or when the event was scored
 * @param value the label; NaN where it is said when the event was scored
 */
record Said(String id, long timeMillis, int partition, long offset, double value) {

  static final TypeInformation<Said> TYPE = new RecordType<>(Said.class, Serializer.INSTANCE);

  static Said scored(String id, long atMillis) {
    return new Said(id, atMillis, 0, 0, Double.NaN);
  }

  boolean isLabel() {
    return !Double.isNaN(value);
  }

  /** Writes what is said. */
  static final class Serializer extends RecordSerializer<Said> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public Said createInstance() {
      return new Said("", 0, 0, 0, 0);
    }

    @Override
    protected void write(Said said, DataOutputView out) throws IOException {
      Values.writeText(said.id, out);
      out.writeLong(said.timeMillis);
      out.writeInt(said.partition);
      out.writeLong(said.offset);
      out.writeDouble(said.value);
    }

    @Override
    public Said deserialize(DataInputView in) throws IOException {
      return new Said(
          Values.readText(in), in.readLong(), in.readInt(), in.readLong(), in.readDouble());
    }

    @Override
    public TypeSerializerSnapshot<Said> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Said> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
