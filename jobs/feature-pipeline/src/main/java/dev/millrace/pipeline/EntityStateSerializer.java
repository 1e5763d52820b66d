package dev.millrace.pipeline;

import dev.millrace.core.feature.Accumulator;
import dev.millrace.core.feature.EntityState;
import dev.millrace.core.feature.EventPage;
import java.io.DataOutput;
import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Writes an entity's state, its pages and its tiles. The bytes tell what they hold, so that what is
 * read back is whole without the view's definition at hand.
 */
final class EntityStateSerializer {

  /** What is mutable and written by {@code core} itself. */
  private abstract static class Written<T> extends TypeSerializerSingleton<T> {
    private static final long serialVersionUID = 1L;

    /** What one value takes at first; a view's state is some kilobytes, and the buffer grows. */
    private static final int BUFFER_BYTES = 1024;

    abstract void write(T value, DataOutput out) throws IOException;

    /**
     * A checkpoint of state on the heap goes through streams that take each byte on its own, and
     * compact numbers are written by the byte: gathered first, a snapshot costs half.
     */
    @Override
    public final void serialize(T value, DataOutputView out) throws IOException {
      if (out instanceof DataOutputSerializer) {
        write(value, out);
        return;
      }
      DataOutputSerializer gathered = new DataOutputSerializer(BUFFER_BYTES);
      write(value, gathered);
      out.write(gathered.getSharedBuffer(), 0, gathered.length());
    }

    @Override
    public boolean isImmutableType() {
      return false;
    }

    @Override
    public T copy(T from, T reuse) {
      return copy(from);
    }

    @Override
    public int getLength() {
      return -1;
    }

    @Override
    public T deserialize(T reuse, DataInputView in) throws IOException {
      return deserialize(in);
    }

    @Override
    public void copy(DataInputView in, DataOutputView out) throws IOException {
      serialize(deserialize(in), out);
    }
  }

  /** The state that every event reads and writes. */
  static final class OfEntity extends Written<EntityState> {
    private static final long serialVersionUID = 1L;
    static final OfEntity INSTANCE = new OfEntity();

    @Override
    public EntityState createInstance() {
      return EntityState.nothing();
    }

    @Override
    public EntityState copy(EntityState from) {
      return from.copy();
    }

    @Override
    void write(EntityState state, DataOutput out) throws IOException {
      state.write(out);
    }

    @Override
    public EntityState deserialize(DataInputView in) throws IOException {
      return EntityState.read(in);
    }

    @Override
    public TypeSerializerSnapshot<EntityState> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<EntityState> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }

  /** A page of events. */
  static final class OfPage extends Written<EventPage> {
    private static final long serialVersionUID = 1L;
    static final OfPage INSTANCE = new OfPage();

    @Override
    public EventPage createInstance() {
      return EventPage.nothing();
    }

    @Override
    public EventPage copy(EventPage from) {
      return from.copy();
    }

    @Override
    void write(EventPage page, DataOutput out) throws IOException {
      page.write(out);
    }

    @Override
    public EventPage deserialize(DataInputView in) throws IOException {
      return EventPage.read(in);
    }

    @Override
    public TypeSerializerSnapshot<EventPage> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<EventPage> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }

  /** A tile. */
  static final class OfTile extends Written<Accumulator[]> {
    private static final long serialVersionUID = 1L;
    static final OfTile INSTANCE = new OfTile();

    @Override
    public Accumulator[] createInstance() {
      return new Accumulator[0];
    }

    @Override
    public Accumulator[] copy(Accumulator[] from) {
      return EntityState.copyTile(from);
    }

    @Override
    void write(Accumulator[] tile, DataOutput out) throws IOException {
      EntityState.writeTile(tile, out);
    }

    @Override
    public Accumulator[] deserialize(DataInputView in) throws IOException {
      return EntityState.readTile(in);
    }

    @Override
    public TypeSerializerSnapshot<Accumulator[]> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Accumulator[]> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }

  private EntityStateSerializer() {}
}
