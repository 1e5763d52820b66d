package dev.millrace.drift;

import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * An event whose label, if it has one, is known for good.
 *
 * @param served without its bins
 * @param label NaN where there is none
 * @param versions the other versions that scored the event
 * @param scores theirs
 */
@SuppressWarnings("ArrayRecordComponent") // Two or three numbers; never compared.
record Matured(Scored served, double label, int[] versions, double[] scores) {

  static final TypeInformation<Matured> TYPE = new RecordType<>(Matured.class, Serializer.INSTANCE);

  /** Writes them between operators. */
  static final class Serializer extends RecordSerializer<Matured> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public Matured createInstance() {
      return new Matured(Scored.Serializer.INSTANCE.createInstance(), 0, new int[0], new double[0]);
    }

    @Override
    protected void write(Matured matured, DataOutputView out) throws IOException {
      Scored.Serializer.INSTANCE.serialize(matured.served, out);
      out.writeDouble(matured.label);
      Scored.Serializer.writeVersions(matured.versions, out);
      for (double score : matured.scores) {
        out.writeDouble(score);
      }
    }

    @Override
    public Matured deserialize(DataInputView in) throws IOException {
      Scored served = Scored.Serializer.INSTANCE.deserialize(in);
      double label = in.readDouble();
      int[] versions = Scored.Serializer.readVersions(in);
      double[] scores = new double[versions.length];
      for (int i = 0; i < scores.length; i++) {
        scores[i] = in.readDouble();
      }
      return new Matured(served, label, versions, scores);
    }

    @Override
    public TypeSerializerSnapshot<Matured> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Matured> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
