package dev.millrace.streaming;

import dev.millrace.core.row.FeatureRow;
import dev.millrace.core.row.Positions;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** The records that pass between operators, and how each is written. */
public final class Serializers {

  public static final TypeSerializer<Event> EVENT_SERIALIZER = EventSerializer.INSTANCE;
  public static final TypeInformation<Event> EVENT =
      new RecordType<>(Event.class, EventSerializer.INSTANCE);
  public static final TypeInformation<DeadLetter> DEAD_LETTER =
      new RecordType<>(DeadLetter.class, DeadLetterSerializer.INSTANCE);
  public static final TypeInformation<Inbound> INBOUND =
      new RecordType<>(Inbound.class, InboundSerializer.INSTANCE);
  public static final TypeInformation<FeatureRow> FEATURE_ROW =
      new RecordType<>(FeatureRow.class, FeatureRowSerializer.INSTANCE);

  /** Writes {@link Event}. */
  public static final class EventSerializer extends RecordSerializer<Event> {
    private static final long serialVersionUID = 1L;
    static final EventSerializer INSTANCE = new EventSerializer();

    @Override
    public Event createInstance() {
      return new Event(0, 0, 0, 0, "", new Object[0], null, null);
    }

    @Override
    protected void write(Event event, DataOutputView out) throws IOException {
      out.writeInt(event.partition());
      out.writeLong(event.offset());
      out.writeLong(event.recordTimeMillis());
      out.writeLong(event.eventTimeMillis());
      Values.writeText(event.id(), out);
      Values.writeAll(event.values(), out);
      Values.writeOptional(event.rawKey(), out);
      Values.writeOptional(event.rawValue(), out);
    }

    @Override
    public Event deserialize(DataInputView in) throws IOException {
      return new Event(
          in.readInt(),
          in.readLong(),
          in.readLong(),
          in.readLong(),
          Values.readText(in),
          Values.readAll(in),
          Values.readOptional(in),
          Values.readOptional(in));
    }

    @Override
    public TypeSerializerSnapshot<Event> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Event> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }

  /** Writes {@link DeadLetter}. */
  public static final class DeadLetterSerializer extends RecordSerializer<DeadLetter> {
    private static final long serialVersionUID = 1L;
    static final DeadLetterSerializer INSTANCE = new DeadLetterSerializer();

    @Override
    public DeadLetter createInstance() {
      return new DeadLetter("", "", 0, 0, "", "", "", null, null, -1, 0);
    }

    @Override
    protected void write(DeadLetter letter, DataOutputView out) throws IOException {
      Values.writeText(letter.source(), out);
      Values.writeText(letter.topic(), out);
      out.writeInt(letter.partition());
      out.writeLong(letter.offset());
      Values.writeText(letter.reason(), out);
      Values.writeText(letter.message(), out);
      Values.writeText(letter.stage(), out);
      Values.writeOptional(letter.key(), out);
      Values.writeOptional(letter.value(), out);
      out.writeInt(letter.valueLength());
      out.writeLong(letter.recordTimeMillis());
    }

    @Override
    public DeadLetter deserialize(DataInputView in) throws IOException {
      return new DeadLetter(
          Values.readText(in),
          Values.readText(in),
          in.readInt(),
          in.readLong(),
          Values.readText(in),
          Values.readText(in),
          Values.readText(in),
          Values.readOptional(in),
          Values.readOptional(in),
          in.readInt(),
          in.readLong());
    }

    @Override
    public TypeSerializerSnapshot<DeadLetter> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<DeadLetter> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }

  /** Writes {@link Inbound}. */
  public static final class InboundSerializer extends RecordSerializer<Inbound> {
    private static final long serialVersionUID = 1L;
    static final InboundSerializer INSTANCE = new InboundSerializer();

    @Override
    public Inbound createInstance() {
      return new Inbound(EventSerializer.INSTANCE.createInstance(), null);
    }

    @Override
    protected void write(Inbound inbound, DataOutputView out) throws IOException {
      Event event = inbound.event();
      DeadLetter letter = inbound.letter();
      out.writeBoolean(event != null);
      if (event != null) {
        EventSerializer.INSTANCE.serialize(event, out);
      } else if (letter != null) {
        DeadLetterSerializer.INSTANCE.serialize(letter, out);
      }
    }

    @Override
    public Inbound deserialize(DataInputView in) throws IOException {
      return in.readBoolean()
          ? Inbound.of(EventSerializer.INSTANCE.deserialize(in))
          : Inbound.of(DeadLetterSerializer.INSTANCE.deserialize(in));
    }

    @Override
    public TypeSerializerSnapshot<Inbound> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Inbound> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }

  /** Writes {@link FeatureRow}. */
  public static final class FeatureRowSerializer extends RecordSerializer<FeatureRow> {
    private static final long serialVersionUID = 1L;
    public static final FeatureRowSerializer INSTANCE = new FeatureRowSerializer();

    @Override
    public FeatureRow createInstance() {
      return new FeatureRow("", 0, Positions.NONE, 0, false, false, false, new Object[0]);
    }

    @Override
    protected void write(FeatureRow row, DataOutputView out) throws IOException {
      Values.writeText(row.entityKey(), out);
      out.writeLong(row.timeMillis());
      writePositions(row.positions(), out);
      out.writeLong(row.knownAtMillis());
      out.writeBoolean(row.refresh());
      out.writeBoolean(row.logged());
      out.writeBoolean(row.online());
      Values.writeAll(row.values(), out);
    }

    @Override
    public FeatureRow deserialize(DataInputView in) throws IOException {
      return new FeatureRow(
          Values.readText(in),
          in.readLong(),
          readPositions(in),
          in.readLong(),
          in.readBoolean(),
          in.readBoolean(),
          in.readBoolean(),
          Values.readAll(in));
    }

    @Override
    public TypeSerializerSnapshot<FeatureRow> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<FeatureRow> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }

  public static void writePositions(Positions positions, DataOutputView out) throws IOException {
    out.writeInt(positions.size());
    for (int i = 0; i < positions.size(); i++) {
      out.writeInt(positions.partition(i));
      out.writeLong(positions.offset(i));
    }
  }

  public static Positions readPositions(DataInputView in) throws IOException {
    int size = in.readInt();
    int[] partitions = new int[size];
    long[] offsets = new long[size];
    for (int i = 0; i < size; i++) {
      partitions[i] = in.readInt();
      offsets[i] = in.readLong();
    }
    return Positions.of(partitions, offsets);
  }

  private Serializers() {}
}
