package dev.millrace.pipeline;

import dev.millrace.core.feature.EntityState;
import dev.millrace.core.feature.EventBuffer;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.Values;
import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * Writes an entity's state. The number of columns is in the bytes, so that what is read back is
 * whole without the view's definition at hand.
 */
public final class EntityStateSerializer extends TypeSerializerSingleton<EntityState> {

  private static final long serialVersionUID = 1L;
  static final EntityStateSerializer INSTANCE = new EntityStateSerializer();

  @Override
  public boolean isImmutableType() {
    return false;
  }

  @Override
  public EntityState createInstance() {
    return new EntityState(new EventBuffer(0, 0), new EntityState.Latest[0]);
  }

  @Override
  public EntityState copy(EntityState from) {
    return from.copy();
  }

  @Override
  public EntityState copy(EntityState from, EntityState reuse) {
    return from.copy();
  }

  @Override
  public int getLength() {
    return -1;
  }

  @Override
  public void serialize(EntityState state, DataOutputView out) throws IOException {
    out.writeLong(state.timeMillis);
    out.writeLong(state.eventTimeMillis);
    Serializers.writePositions(state.positions, out);
    out.writeLong(state.refreshedAtMillis);
    out.writeLong(state.timerMillis);
    out.writeInt(state.latest.length);
    for (EntityState.Latest latest : state.latest) {
      out.writeLong(latest.timeMillis);
      out.writeInt(latest.partition);
      out.writeLong(latest.offset);
      Values.write(latest.value, out);
    }
    EventBuffer buffer = state.buffer;
    out.writeInt(buffer.numberColumns());
    out.writeInt(buffer.objectColumns());
    out.writeInt(buffer.size());
    for (int i = 0; i < buffer.size(); i++) {
      out.writeLong(buffer.timeMillis(i));
      out.writeInt(buffer.partition(i));
      out.writeLong(buffer.offset(i));
      for (int c = 0; c < buffer.numberColumns(); c++) {
        out.writeDouble(buffer.number(c, i));
      }
      for (int c = 0; c < buffer.objectColumns(); c++) {
        Values.write(buffer.object(c, i), out);
      }
    }
  }

  @Override
  public EntityState deserialize(DataInputView in) throws IOException {
    long timeMillis = in.readLong();
    long eventTimeMillis = in.readLong();
    var positions = Serializers.readPositions(in);
    long refreshedAtMillis = in.readLong();
    long timerMillis = in.readLong();
    EntityState.Latest[] latest = new EntityState.Latest[in.readInt()];
    for (int i = 0; i < latest.length; i++) {
      latest[i] = new EntityState.Latest();
      latest[i].timeMillis = in.readLong();
      latest[i].partition = in.readInt();
      latest[i].offset = in.readLong();
      latest[i].value = Values.read(in);
    }
    int numbers = in.readInt();
    int objects = in.readInt();
    int size = in.readInt();
    EventBuffer buffer = new EventBuffer(numbers, objects);
    @Nullable Object[] values = new Object[numbers + objects];
    for (int i = 0; i < size; i++) {
      long time = in.readLong();
      int partition = in.readInt();
      long offset = in.readLong();
      for (int c = 0; c < numbers; c++) {
        values[c] = in.readDouble();
      }
      for (int c = 0; c < objects; c++) {
        values[numbers + c] = Values.read(in);
      }
      buffer.add(time, partition, offset, values);
    }
    EntityState state = new EntityState(buffer, latest);
    state.timeMillis = timeMillis;
    state.eventTimeMillis = eventTimeMillis;
    state.positions = positions;
    state.refreshedAtMillis = refreshedAtMillis;
    state.timerMillis = timerMillis;
    return state;
  }

  @Override
  public EntityState deserialize(EntityState reuse, DataInputView in) throws IOException {
    return deserialize(in);
  }

  @Override
  public void copy(DataInputView in, DataOutputView out) throws IOException {
    serialize(deserialize(in), out);
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
