package dev.millrace.drift;

import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import dev.millrace.streaming.Stamp;
import dev.millrace.streaming.Values;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * What of a prediction is measured.
 *
 * @param segments by field of the plan; null where the event has none
 * @param shadows the versions whose scores of the same event are on the shadows topic
 * @param inputs as the model got them; empty behind the binning, and of a shadow
 * @param bins by feature of the version's profile, the score last; empty where there is no profile
 * @param sampled the whole record as it stands on the topic, where it is one of those that are
 *     audited; else null
 * @param stamp event time of the writer; not carried between operators
 */
@SuppressWarnings("ArrayRecordComponent") // One a prediction; never compared.
record Scored(
    String eventId,
    long timeMillis,
    int version,
    Role role,
    double score,
    @Nullable String[] segments,
    int[] shadows,
    double[] inputs,
    byte[] bins,
    byte @Nullable [] sampled,
    @Nullable Stamp stamp) {

  static final @Nullable String[] NO_SEGMENTS = new String[0];
  static final int[] NO_VERSIONS = new int[0];
  static final double[] NO_INPUTS = new double[0];
  static final byte[] NO_BINS = new byte[0];

  static final TypeInformation<Scored> TYPE = new RecordType<>(Scored.class, Serializer.INSTANCE);

  /** One that is not audited. */
  Scored(
      String eventId,
      long timeMillis,
      int version,
      Role role,
      double score,
      @Nullable String[] segments,
      int[] shadows,
      double[] inputs,
      byte[] bins,
      @Nullable Stamp stamp) {
    this(eventId, timeMillis, version, role, score, segments, shadows, inputs, bins, null, stamp);
  }

  Scored binned(byte[] newBins) {
    return new Scored(
        eventId, timeMillis, version, role, score, segments, shadows, NO_INPUTS, newBins, null);
  }

  /** Writes them between operators. */
  static final class Serializer extends RecordSerializer<Scored> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public Scored createInstance() {
      return new Scored(
          "", 0, 0, Role.FALLBACK, 0, NO_SEGMENTS, NO_VERSIONS, NO_INPUTS, NO_BINS, null);
    }

    @Override
    protected void write(Scored scored, DataOutputView out) throws IOException {
      Values.writeText(scored.eventId, out);
      out.writeLong(scored.timeMillis);
      out.writeInt(scored.version);
      out.writeByte(scored.role.code());
      out.writeDouble(scored.score);
      writeSegments(scored.segments, out);
      writeVersions(scored.shadows, out);
      out.writeInt(scored.inputs.length);
      for (double input : scored.inputs) {
        out.writeDouble(input);
      }
      Values.writeBytes(scored.bins, out);
      Values.writeOptional(scored.sampled, out);
    }

    @Override
    public Scored deserialize(DataInputView in) throws IOException {
      return new Scored(
          Values.readText(in),
          in.readLong(),
          in.readInt(),
          Role.of(in.readByte()),
          in.readDouble(),
          readSegments(in),
          readVersions(in),
          readInputs(in),
          Values.readBytes(in),
          Values.readOptional(in),
          null);
    }

    private static double[] readInputs(DataInputView in) throws IOException {
      double[] inputs = new double[in.readInt()];
      for (int i = 0; i < inputs.length; i++) {
        inputs[i] = in.readDouble();
      }
      return inputs;
    }

    static void writeSegments(@Nullable String[] segments, DataOutputView out) throws IOException {
      out.writeInt(segments.length);
      for (String segment : segments) {
        out.writeBoolean(segment != null);
        if (segment != null) {
          Values.writeText(segment, out);
        }
      }
    }

    static @Nullable String[] readSegments(DataInputView in) throws IOException {
      @Nullable String[] segments = new String[in.readInt()];
      for (int i = 0; i < segments.length; i++) {
        segments[i] = in.readBoolean() ? Values.readText(in) : null;
      }
      return segments;
    }

    static void writeVersions(int[] versions, DataOutputView out) throws IOException {
      out.writeInt(versions.length);
      for (int version : versions) {
        out.writeInt(version);
      }
    }

    static int[] readVersions(DataInputView in) throws IOException {
      int[] versions = new int[in.readInt()];
      for (int i = 0; i < versions.length; i++) {
        versions[i] = in.readInt();
      }
      return versions;
    }

    @Override
    public TypeSerializerSnapshot<Scored> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Scored> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
