package dev.millrace.inference;

import dev.millrace.streaming.RecordType;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.core.memory.DataOutputView;

/**
 * The newest ids of one bucket, in two generations of which the older is dropped whole when the
 * younger has {@link #GENERATION_IDS} or is a day old. An id takes 8 bytes of a checkpoint and up
 * to 32 of the heap.
 */
final class RememberedIds {

  /** As many are remembered at least, and up to twice as many. */
  static final int GENERATION_IDS = 512;

  static final long GENERATION_MILLIS = 24 * 3_600_000L;

  static final TypeInformation<RememberedIds> TYPE =
      new RecordType<>(RememberedIds.class, Serializer.INSTANCE);

  private Ids young;
  private Ids old;
  private long youngSinceMillis;

  RememberedIds(long nowMillis) {
    this(new Ids(), new Ids(), nowMillis);
  }

  private RememberedIds(Ids young, Ids old, long youngSinceMillis) {
    this.young = young;
    this.old = old;
    this.youngSinceMillis = youngSinceMillis;
  }

  /** Takes an id; false where it is remembered already. */
  boolean add(long id, long nowMillis) {
    long ageMillis = nowMillis - youngSinceMillis;
    if (ageMillis >= GENERATION_MILLIS || young.count >= GENERATION_IDS) {
      old = ageMillis < 2 * GENERATION_MILLIS ? young : new Ids();
      young = new Ids();
      youngSinceMillis = nowMillis;
    }
    return !old.has(id) && young.add(id);
  }

  /** A set of numbers by open addressing; at least half of its slots are free. */
  private static final class Ids {
    private static final int FIRST_SLOTS = 8;

    /** What stands for 0, which is a free slot. */
    private static final long ZERO = 0x9E3779B97F4A7C15L;

    private long[] slots;
    private int count;

    Ids() {
      this(new long[FIRST_SLOTS], 0);
    }

    private Ids(long[] slots, int count) {
      this.slots = slots;
      this.count = count;
    }

    Ids copy() {
      return new Ids(slots.clone(), count);
    }

    boolean has(long id) {
      long wanted = id == 0 ? ZERO : id;
      return slots[slot(wanted)] == wanted;
    }

    boolean add(long id) {
      long wanted = id == 0 ? ZERO : id;
      int slot = slot(wanted);
      if (slots[slot] == wanted) {
        return false;
      }
      slots[slot] = wanted;
      count++;
      if (2 * count > slots.length) {
        long[] before = slots;
        slots = new long[2 * before.length];
        for (long known : before) {
          if (known != 0) {
            slots[slot(known)] = known;
          }
        }
      }
      return true;
    }

    /** Where the id is, or the free slot where it belongs. */
    private int slot(long id) {
      // The ids are hashes.
      int slot = (int) id & (slots.length - 1);
      while (slots[slot] != 0 && slots[slot] != id) {
        slot = (slot + 1) & (slots.length - 1);
      }
      return slot;
    }

    void write(DataOutputView out) throws IOException {
      out.writeInt(count);
      for (long id : slots) {
        if (id != 0) {
          out.writeLong(id);
        }
      }
    }

    static Ids read(DataInputView in) throws IOException {
      Ids ids = new Ids();
      for (int left = in.readInt(); left > 0; left--) {
        boolean unusedNew = ids.add(in.readLong());
      }
      return ids;
    }
  }

  /** Writes them into state. */
  static final class Serializer extends TypeSerializerSingleton<RememberedIds> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public boolean isImmutableType() {
      return false;
    }

    @Override
    public RememberedIds createInstance() {
      return new RememberedIds(0);
    }

    @Override
    public RememberedIds copy(RememberedIds from) {
      return new RememberedIds(from.young.copy(), from.old.copy(), from.youngSinceMillis);
    }

    @Override
    public RememberedIds copy(RememberedIds from, RememberedIds reuse) {
      return copy(from);
    }

    @Override
    public int getLength() {
      return -1;
    }

    /** Gathered first: the stream of a checkpoint takes each byte on its own. */
    @Override
    public void serialize(RememberedIds ids, DataOutputView out) throws IOException {
      DataOutputSerializer gathered =
          new DataOutputSerializer(Long.BYTES * (ids.young.count + ids.old.count + 2));
      gathered.writeLong(ids.youngSinceMillis);
      ids.young.write(gathered);
      ids.old.write(gathered);
      out.write(gathered.getSharedBuffer(), 0, gathered.length());
    }

    @Override
    public RememberedIds deserialize(DataInputView in) throws IOException {
      long youngSinceMillis = in.readLong();
      return new RememberedIds(Ids.read(in), Ids.read(in), youngSinceMillis);
    }

    @Override
    public RememberedIds deserialize(RememberedIds reuse, DataInputView in) throws IOException {
      return deserialize(in);
    }

    @Override
    public void copy(DataInputView in, DataOutputView out) throws IOException {
      serialize(deserialize(in), out);
    }

    @Override
    public TypeSerializerSnapshot<RememberedIds> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<RememberedIds> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
