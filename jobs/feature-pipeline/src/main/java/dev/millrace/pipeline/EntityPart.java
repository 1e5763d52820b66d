package dev.millrace.pipeline;

import dev.millrace.core.feature.Accumulator;
import dev.millrace.core.feature.EntityState;
import dev.millrace.core.feature.EventPage;
import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import dev.millrace.streaming.Values;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * A part of one entity's state in one view, on its way from one state backend to another. In parts,
 * because a sort wants records that fit its memory.
 *
 * @param id of a page or tile; the time of a seen id
 * @param eventId the seen id, else empty
 * @param part of the class that its kind says; whoever makes it does not change it afterwards
 */
record EntityPart(String entityKey, Kind kind, long id, String eventId, Object part) {

  static final TypeInformation<EntityPart> TYPE =
      new RecordType<>(EntityPart.class, Serializer.INSTANCE);

  /** What it is. */
  enum Kind {
    /** An {@link EntityState}. */
    ENTITY(0),
    /** An {@link EventPage}. */
    PAGE(1),
    /** A tile, {@code Accumulator[]}. */
    TILE(2),
    /** An id of the dedup window; nothing beside it. */
    SEEN(3);

    private final int code;

    Kind(int code) {
      this.code = code;
    }

    private static Kind of(int code) throws IOException {
      for (Kind kind : values()) {
        if (kind.code == code) {
          return kind;
        }
      }
      throw new IOException("Cannot read a part of an entity's state: it is of kind " + code);
    }
  }

  private static final Object NOTHING = "";

  static EntityPart entity(String entityKey, EntityState state) {
    return new EntityPart(entityKey, Kind.ENTITY, 0, "", state);
  }

  static EntityPart page(String entityKey, long id, EventPage page) {
    return new EntityPart(entityKey, Kind.PAGE, id, "", page);
  }

  static EntityPart tile(String entityKey, long id, Accumulator[] tile) {
    return new EntityPart(entityKey, Kind.TILE, id, "", tile);
  }

  static EntityPart seen(String entityKey, String eventId, long timeMillis) {
    return new EntityPart(entityKey, Kind.SEEN, timeMillis, eventId, NOTHING);
  }

  /** Writes parts, each as the state backends do. */
  static final class Serializer extends RecordSerializer<EntityPart> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public EntityPart createInstance() {
      return seen("", "", 0);
    }

    @Override
    protected void write(EntityPart part, DataOutputView out) throws IOException {
      Values.writeText(part.entityKey, out);
      out.writeByte(part.kind.code);
      out.writeLong(part.id);
      Values.writeText(part.eventId, out);
      switch (part.kind) {
        case ENTITY ->
            EntityStateSerializer.OfEntity.INSTANCE.serialize((EntityState) part.part, out);
        case PAGE -> EntityStateSerializer.OfPage.INSTANCE.serialize((EventPage) part.part, out);
        case TILE ->
            EntityStateSerializer.OfTile.INSTANCE.serialize((Accumulator[]) part.part, out);
        case SEEN -> {
          // All of it is written.
        }
      }
    }

    @Override
    public EntityPart deserialize(DataInputView in) throws IOException {
      String entityKey = Values.readText(in);
      Kind kind = Kind.of(in.readByte());
      long id = in.readLong();
      String eventId = Values.readText(in);
      Object part =
          switch (kind) {
            case ENTITY -> EntityStateSerializer.OfEntity.INSTANCE.deserialize(in);
            case PAGE -> EntityStateSerializer.OfPage.INSTANCE.deserialize(in);
            case TILE -> EntityStateSerializer.OfTile.INSTANCE.deserialize(in);
            case SEEN -> NOTHING;
          };
      return new EntityPart(entityKey, kind, id, eventId, part);
    }

    @Override
    public TypeSerializerSnapshot<EntityPart> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<EntityPart> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
