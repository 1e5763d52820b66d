package dev.millrace.inference;

import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
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
import org.jspecify.annotations.Nullable;

/**
 * What scoring takes: an event with the rows that were joined to it, or a dead letter.
 *
 * @param rows by view of the plan, null where there is none; null as a whole where scoring reads
 *     the online store itself
 */
record Joined(
    @Nullable Event event, @Nullable DeadLetter letter, @Nullable ViewRow @Nullable [] rows) {

  static final TypeInformation<Joined> TYPE = new RecordType<>(Joined.class, Serializer.INSTANCE);

  /** What came, with no row read. */
  static Joined unread(Inbound inbound) {
    return new Joined(inbound.event(), inbound.letter(), null);
  }

  /** The same event with one row more. */
  Joined with(int view, @Nullable ViewRow row, int views) {
    @Nullable ViewRow[] more = new ViewRow[views];
    if (rows != null) {
      System.arraycopy(rows, 0, more, 0, views);
    }
    more[view] = row;
    return new Joined(event, letter, more);
  }

  /** Writes what passes between the joins. */
  static final class Serializer extends RecordSerializer<Joined> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public Joined createInstance() {
      return new Joined(Serializers.EVENT_SERIALIZER.createInstance(), null, null);
    }

    @Override
    protected void write(Joined joined, DataOutputView out) throws IOException {
      Serializers.INBOUND
          .createSerializer(null)
          .serialize(new Inbound(joined.event, joined.letter), out);
      out.writeInt(joined.rows == null ? -1 : joined.rows.length);
      if (joined.rows != null) {
        for (ViewRow row : joined.rows) {
          out.writeBoolean(row != null);
          if (row != null) {
            writeRow(row, out);
          }
        }
      }
    }

    @Override
    public Joined deserialize(DataInputView in) throws IOException {
      Inbound inbound = Serializers.INBOUND.createSerializer(null).deserialize(in);
      int views = in.readInt();
      if (views < 0) {
        return Joined.unread(inbound);
      }
      @Nullable ViewRow[] rows = new ViewRow[views];
      for (int view = 0; view < views; view++) {
        rows[view] = in.readBoolean() ? readRow(in) : null;
      }
      return new Joined(inbound.event(), inbound.letter(), rows);
    }

    @Override
    public TypeSerializerSnapshot<Joined> snapshotConfiguration() {
      return new Snapshot();
    }

    static void writeRow(ViewRow row, DataOutputView out) throws IOException {
      out.writeLong(row.timeMillis());
      Serializers.writePositions(row.positions(), out);
      out.writeBoolean(row.allWindowsEmpty());
      Values.writeAll(row.values(), out);
    }

    static ViewRow readRow(DataInputView in) throws IOException {
      long timeMillis = in.readLong();
      var positions = Serializers.readPositions(in);
      boolean empty = in.readBoolean();
      return new ViewRow(timeMillis, positions, empty, Values.readAll(in));
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Joined> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
