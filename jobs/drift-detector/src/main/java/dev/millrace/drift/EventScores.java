package dev.millrace.drift;

import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one event until it is mature, and for a while after that only that it was.
 *
 * @param served null while only labels or shadow scores have come
 * @param shadowVersions versions on the shadows topic that have come
 * @param shadowScores their scores
 * @param shadowTimeMillis event time, as the shadow scores say it
 * @param label the label that counts so far
 * @param pending labels that came before the prediction
 * @param waits how often the event was put off for missing shadow scores
 * @param matured whether it has gone on
 */
@SuppressWarnings("ArrayRecordComponent") // Two or three numbers; never compared.
record EventScores(
    @Nullable Scored served,
    int[] shadowVersions,
    double[] shadowScores,
    long shadowTimeMillis,
    @Nullable Chosen label,
    List<Label> pending,
    int waits,
    boolean matured,
    long timeMillis) {

  static final EventScores NONE =
      new EventScores(null, new int[0], new double[0], 0, null, List.of(), 0, false, 0);

  static final TypeInformation<EventScores> TYPE =
      new RecordType<>(EventScores.class, Serializer.INSTANCE);

  /** A label in time, and where it came from. */
  record Chosen(double value, long timeMillis, int partition, long offset) {

    static Chosen of(Label label) {
      return new Chosen(
          label.value(), label.timeMillis(), label.event().partition(), label.event().offset());
    }

    /** Whether this one comes after another, by time, partition and offset. */
    boolean after(Chosen other) {
      if (timeMillis != other.timeMillis) {
        return timeMillis > other.timeMillis;
      }
      return partition != other.partition ? partition > other.partition : offset > other.offset;
    }
  }

  EventScores withServed(Scored prediction) {
    return new EventScores(
        prediction,
        shadowVersions,
        shadowScores,
        shadowTimeMillis,
        label,
        List.of(),
        waits,
        false,
        prediction.timeMillis());
  }

  EventScores withShadow(Scored shadow) {
    int n = shadowVersions.length;
    int[] versions = Arrays.copyOf(shadowVersions, n + 1);
    double[] scores = Arrays.copyOf(shadowScores, n + 1);
    versions[n] = shadow.version();
    scores[n] = shadow.score();
    return new EventScores(
        served, versions, scores, shadow.timeMillis(), label, pending, waits, matured, timeMillis);
  }

  EventScores withLabel(Chosen chosen) {
    return new EventScores(
        served,
        shadowVersions,
        shadowScores,
        shadowTimeMillis,
        chosen,
        pending,
        waits,
        matured,
        timeMillis);
  }

  EventScores withPending(List<Label> labels) {
    return new EventScores(
        served,
        shadowVersions,
        shadowScores,
        shadowTimeMillis,
        label,
        List.copyOf(labels),
        waits,
        matured,
        timeMillis);
  }

  EventScores withoutShadows() {
    return new EventScores(
        served, new int[0], new double[0], 0, label, pending, waits, matured, timeMillis);
  }

  EventScores waited() {
    return new EventScores(
        served,
        shadowVersions,
        shadowScores,
        shadowTimeMillis,
        label,
        pending,
        waits + 1,
        matured,
        timeMillis);
  }

  /** What remains of a mature event. */
  EventScores marker() {
    return new EventScores(
        null, new int[0], new double[0], 0, null, List.of(), 0, true, timeMillis);
  }

  boolean hasShadow(int version) {
    return Arrays.stream(shadowVersions).anyMatch(v -> v == version);
  }

  /** How many of the scores that the served prediction announced have not come. */
  int missingShadows() {
    Scored prediction = served;
    if (prediction == null) {
      return 0;
    }
    int missing = 0;
    for (int version : prediction.shadows()) {
      missing += hasShadow(version) ? 0 : 1;
    }
    return missing;
  }

  /** Writes them into state. */
  static final class Serializer extends RecordSerializer<EventScores> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public EventScores createInstance() {
      return NONE;
    }

    @Override
    protected void write(EventScores scores, DataOutputView out) throws IOException {
      out.writeBoolean(scores.matured);
      out.writeLong(scores.timeMillis);
      if (scores.matured) {
        return;
      }
      out.writeInt(scores.waits);
      out.writeBoolean(scores.served != null);
      if (scores.served != null) {
        Scored.Serializer.INSTANCE.serialize(scores.served, out);
      }
      Scored.Serializer.writeVersions(scores.shadowVersions, out);
      for (double score : scores.shadowScores) {
        out.writeDouble(score);
      }
      out.writeLong(scores.shadowTimeMillis);
      Chosen chosen = scores.label;
      out.writeBoolean(chosen != null);
      if (chosen != null) {
        out.writeDouble(chosen.value);
        out.writeLong(chosen.timeMillis);
        out.writeInt(chosen.partition);
        out.writeLong(chosen.offset);
      }
      out.writeInt(scores.pending.size());
      for (Label pending : scores.pending) {
        Label.Serializer.INSTANCE.serialize(pending, out);
      }
    }

    @Override
    public EventScores deserialize(DataInputView in) throws IOException {
      boolean matured = in.readBoolean();
      long timeMillis = in.readLong();
      if (matured) {
        return new EventScores(
            null, new int[0], new double[0], 0, null, List.of(), 0, true, timeMillis);
      }
      int waits = in.readInt();
      Scored served = in.readBoolean() ? Scored.Serializer.INSTANCE.deserialize(in) : null;
      int[] versions = Scored.Serializer.readVersions(in);
      double[] shadows = new double[versions.length];
      for (int i = 0; i < shadows.length; i++) {
        shadows[i] = in.readDouble();
      }
      long shadowTimeMillis = in.readLong();
      Chosen label =
          in.readBoolean()
              ? new Chosen(in.readDouble(), in.readLong(), in.readInt(), in.readLong())
              : null;
      int size = in.readInt();
      List<Label> pending = new ArrayList<>(size);
      for (int i = 0; i < size; i++) {
        pending.add(Label.Serializer.INSTANCE.deserialize(in));
      }
      return new EventScores(
          served,
          versions,
          shadows,
          shadowTimeMillis,
          label,
          List.copyOf(pending),
          waits,
          false,
          timeMillis);
    }

    @Override
    public TypeSerializerSnapshot<EventScores> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<EventScores> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
