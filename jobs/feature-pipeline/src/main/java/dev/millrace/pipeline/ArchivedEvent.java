package dev.millrace.pipeline;

import dev.millrace.streaming.Event;
import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.Values;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * An event with the verdict that the archive keeps.
 *
 * @param verdict {@code OK}, or {@code LATE} and the views it is late for
 */
record ArchivedEvent(Event event, String verdict) {

  static final String OK = "OK";

  static final TypeInformation<ArchivedEvent> TYPE =
      new RecordType<>(ArchivedEvent.class, Serializer.INSTANCE);

  /** Writes archived events. */
  static final class Serializer extends RecordSerializer<ArchivedEvent> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public ArchivedEvent createInstance() {
      return new ArchivedEvent(new Event(0, 0, 0, 0, "", new Object[0], null, null), OK);
    }

    @Override
    protected void write(ArchivedEvent archived, DataOutputView out) throws IOException {
      Serializers.EVENT_SERIALIZER.serialize(archived.event, out);
      Values.writeText(archived.verdict, out);
    }

    @Override
    public ArchivedEvent deserialize(DataInputView in) throws IOException {
      return new ArchivedEvent(Serializers.EVENT_SERIALIZER.deserialize(in), Values.readText(in));
    }

    @Override
    public TypeSerializerSnapshot<ArchivedEvent> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<ArchivedEvent> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
