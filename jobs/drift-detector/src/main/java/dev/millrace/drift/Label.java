package dev.millrace.drift;

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
 * What one event of the label's source says.
 *
 * @param eventId of the scored event
 * @param event without its values: its place, time and raw bytes
 */
record Label(String eventId, double value, Event event) {

  static final TypeInformation<Label> TYPE = new RecordType<>(Label.class, Serializer.INSTANCE);

  long timeMillis() {
    return event.eventTimeMillis();
  }

  /** Writes labels between operators and into state. */
  static final class Serializer extends RecordSerializer<Label> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public Label createInstance() {
      return new Label("", 0, Serializers.EVENT_SERIALIZER.createInstance());
    }

    @Override
    protected void write(Label label, DataOutputView out) throws IOException {
      Values.writeText(label.eventId, out);
      out.writeDouble(label.value);
      Serializers.EVENT_SERIALIZER.serialize(label.event, out);
    }

    @Override
    public Label deserialize(DataInputView in) throws IOException {
      return new Label(
          Values.readText(in), in.readDouble(), Serializers.EVENT_SERIALIZER.deserialize(in));
    }

    @Override
    public TypeSerializerSnapshot<Label> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Label> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
