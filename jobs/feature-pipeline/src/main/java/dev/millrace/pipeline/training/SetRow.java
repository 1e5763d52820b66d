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
import org.jspecify.annotations.Nullable;

/**
 * A row of a training set on its way through the joins.
 *
 * @param id the event's id; empty in a spine
 * @param partition of the event; -1 where it has no place in a log, as the rows of a spine
 * @param offset of the event, or the number of the spine's row
 * @param knownUntilMillis rows of the log that were known later do not count
 * @param keys the entity of each view's join; null where one of its keys is null
 * @param values by output column; those of later joins are null
 */
record SetRow(
    String id,
    long timeMillis,
    int partition,
    long offset,
    long knownUntilMillis,
    @Nullable Object[] keys,
    @Nullable Object[] values) {

  static final int NO_PARTITION = -1;

  static final TypeInformation<SetRow> TYPE = new RecordType<>(SetRow.class, Serializer.INSTANCE);

  SetRow with(@Nullable Object[] newValues) {
    return new SetRow(id, timeMillis, partition, offset, knownUntilMillis, keys, newValues);
  }

  SetRow knownUntil(long millis) {
    return new SetRow(id, timeMillis, partition, offset, millis, keys, values);
  }

  /** By what the row is joined; a row without the entity meets nobody. */
  String key(int join) {
    Object key = keys[join];
    return key == null ? "\0" + id + "\0" + partition + "\0" + offset : (String) key;
  }

  /** Writes rows. */
  static final class Serializer extends RecordSerializer<SetRow> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public SetRow createInstance() {
      return new SetRow("", 0, 0, 0, 0, new Object[0], new Object[0]);
    }

    @Override
    protected void write(SetRow row, DataOutputView out) throws IOException {
      Values.writeText(row.id, out);
      out.writeLong(row.timeMillis);
      out.writeInt(row.partition);
      out.writeLong(row.offset);
      out.writeLong(row.knownUntilMillis);
      Values.writeAll(row.keys, out);
      Values.writeAll(row.values, out);
    }

    @Override
    public SetRow deserialize(DataInputView in) throws IOException {
      return new SetRow(
          Values.readText(in),
          in.readLong(),
          in.readInt(),
          in.readLong(),
          in.readLong(),
          Values.readAll(in),
          Values.readAll(in));
    }

    @Override
    public TypeSerializerSnapshot<SetRow> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<SetRow> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
