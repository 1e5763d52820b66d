package dev.millrace.pipeline;

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
 * An event as one view sees it: accepted, keyed, with only the columns that the view reads.
 *
 * @param columns in the order of the view's plan
 * @param eventId where repeated ids are left out, else null
 */
record ViewEvent(
    String entityKey,
    long timeMillis,
    int partition,
    long offset,
    @Nullable Object[] columns,
    @Nullable String eventId) {

  static final TypeInformation<ViewEvent> TYPE =
      new RecordType<>(ViewEvent.class, Serializer.INSTANCE);

  /** Writes view events. */
  static final class Serializer extends RecordSerializer<ViewEvent> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public ViewEvent createInstance() {
      return new ViewEvent("", 0, 0, 0, new Object[0], null);
    }

    @Override
    protected void write(ViewEvent event, DataOutputView out) throws IOException {
      Values.writeText(event.entityKey, out);
      out.writeLong(event.timeMillis);
      out.writeInt(event.partition);
      out.writeLong(event.offset);
      Values.writeAll(event.columns, out);
      Values.write(event.eventId, out);
    }

    @Override
    public ViewEvent deserialize(DataInputView in) throws IOException {
      return new ViewEvent(
          Values.readText(in),
          in.readLong(),
          in.readInt(),
          in.readLong(),
          Values.readAll(in),
          (String) Values.read(in));
    }

    @Override
    public TypeSerializerSnapshot<ViewEvent> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<ViewEvent> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
