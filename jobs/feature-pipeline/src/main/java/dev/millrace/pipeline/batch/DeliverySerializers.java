package dev.millrace.pipeline.batch;

import dev.millrace.streaming.Values;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/** What the source's checkpoints hold. */
final class DeliverySerializers {

  private static final int VERSION = 1;

  static final SimpleVersionedSerializer<Delivery> DELIVERY =
      new Serializer<>("delivery") {
        @Override
        void write(Delivery delivery, DataOutputSerializer out) throws IOException {
          writeDelivery(delivery, out);
        }

        @Override
        Delivery read(DataInputDeserializer in) throws IOException {
          return readDelivery(in);
        }
      };

  static final SimpleVersionedSerializer<DeliveryEnumerator.State> STATE =
      new Serializer<>("state of a batch source") {
        @Override
        void write(DeliveryEnumerator.State state, DataOutputSerializer out) throws IOException {
          out.writeLong(state.seen().snapshot());
          out.writeLong(state.seen().nextOffset());
          out.writeInt(state.seen().files().size());
          for (String file : state.seen().files()) {
            Values.writeText(file, out);
          }
          out.writeInt(state.waiting().size());
          for (Delivery delivery : state.waiting()) {
            writeDelivery(delivery, out);
          }
        }

        @Override
        DeliveryEnumerator.State read(DataInputDeserializer in) throws IOException {
          long snapshot = in.readLong();
          long nextOffset = in.readLong();
          Set<String> files = new TreeSet<>();
          for (int left = in.readInt(); left > 0; left--) {
            files.add(Values.readText(in));
          }
          List<Delivery> waiting = new ArrayList<>();
          for (int left = in.readInt(); left > 0; left--) {
            waiting.add(readDelivery(in));
          }
          return new DeliveryEnumerator.State(new Seen(snapshot, files, nextOffset), waiting);
        }
      };

  private static void writeDelivery(Delivery delivery, DataOutputSerializer out)
      throws IOException {
    out.writeLong(delivery.firstOffset());
    out.writeLong(delivery.handedOn());
    Values.write(delivery.tableSchema(), out);
    out.writeInt(delivery.files().size());
    for (DeliveredFile file : delivery.files()) {
      Values.writeText(file.location(), out);
      out.writeLong(file.timeMillis());
      out.writeLong(file.rows());
      Values.write(file.problem(), out);
    }
  }

  private static Delivery readDelivery(DataInputDeserializer in) throws IOException {
    long firstOffset = in.readLong();
    long handedOn = in.readLong();
    String tableSchema = (String) Values.read(in);
    List<DeliveredFile> files = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      files.add(
          new DeliveredFile(
              Values.readText(in), in.readLong(), in.readLong(), (String) Values.read(in)));
    }
    return new Delivery(firstOffset, files, tableSchema, handedOn);
  }

  /** One version so far. */
  private abstract static class Serializer<T> implements SimpleVersionedSerializer<T> {
    private final String what;

    Serializer(String what) {
      this.what = what;
    }

    abstract void write(T value, DataOutputSerializer out) throws IOException;

    abstract T read(DataInputDeserializer in) throws IOException;

    @Override
    public int getVersion() {
      return VERSION;
    }

    @Override
    public byte[] serialize(T value) throws IOException {
      DataOutputSerializer out = new DataOutputSerializer(256);
      write(value, out);
      return out.getCopyOfBuffer();
    }

    @Override
    public T deserialize(int version, byte[] bytes) throws IOException {
      if (version != VERSION) {
        throw new IOException(
            "Cannot read a " + what + " of version " + version + ": this build knows " + VERSION);
      }
      return read(new DataInputDeserializer(bytes));
    }
  }

  private DeliverySerializers() {}
}
