package dev.millrace.inference;

import dev.millrace.core.row.Positions;
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

/** A row of a features topic, and whose it is. */
record EntityRow(String entityKey, ViewRow row) {

  static final TypeInformation<EntityRow> TYPE =
      new RecordType<>(EntityRow.class, Serializer.INSTANCE);
  static final TypeInformation<ViewRow> ROW_TYPE =
      new RecordType<>(ViewRow.class, RowSerializer.INSTANCE);

  /** Writes rows between the source and the join. */
  static final class Serializer extends RecordSerializer<EntityRow> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public EntityRow createInstance() {
      return new EntityRow("", RowSerializer.INSTANCE.createInstance());
    }

    @Override
    protected void write(EntityRow row, DataOutputView out) throws IOException {
      Values.writeText(row.entityKey, out);
      Joined.Serializer.writeRow(row.row, out);
    }

    @Override
    public EntityRow deserialize(DataInputView in) throws IOException {
      return new EntityRow(Values.readText(in), Joined.Serializer.readRow(in));
    }

    @Override
    public TypeSerializerSnapshot<EntityRow> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<EntityRow> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }

  /** Writes rows into state. */
  static final class RowSerializer extends RecordSerializer<ViewRow> {
    private static final long serialVersionUID = 1L;
    static final RowSerializer INSTANCE = new RowSerializer();

    @Override
    public ViewRow createInstance() {
      return new ViewRow(0, Positions.NONE, true, new @Nullable Object[0]);
    }

    @Override
    protected void write(ViewRow row, DataOutputView out) throws IOException {
      Joined.Serializer.writeRow(row, out);
    }

    @Override
    public ViewRow deserialize(DataInputView in) throws IOException {
      return Joined.Serializer.readRow(in);
    }

    @Override
    public TypeSerializerSnapshot<ViewRow> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<ViewRow> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
