package dev.millrace.drift;

import dev.millrace.core.drift.Measure;
import dev.millrace.core.drift.ReferenceProfile;
import dev.millrace.core.drift.Statistic;
import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import dev.millrace.streaming.Values;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * A statistic of one version in one window: a record of the drift or the performance topic.
 *
 * @param baseline of log_loss_delta; else null
 * @param role empty on the drift topic
 * @param segment field=value; null for all events
 * @param variance of log_loss_delta
 * @param sinceMillis of page_hinkley
 * @param count events of the window
 * @param labelled those of them whose label is known
 */
record Measured(
    String model,
    int version,
    @Nullable Integer baseline,
    String role,
    @Nullable String segment,
    long windowStartMillis,
    long windowEndMillis,
    Measure measure,
    @Nullable Double variance,
    @Nullable Long sinceMillis,
    long count,
    long labelled) {

  static final TypeInformation<Measured> TYPE =
      new RecordType<>(Measured.class, Serializer.INSTANCE);

  private static final String SEPARATOR = "\u001f";
  private static final int ID_DIGITS = 32;

  /** The same for a record that comes twice. */
  String driftId() {
    return id(
        model,
        String.valueOf(version),
        measure.feature(),
        segment == null ? "" : segment,
        windowStartMillis + "/" + windowEndMillis,
        measure.definition());
  }

  /** The same for a record that comes twice. */
  String performanceId() {
    return id(
        model,
        String.valueOf(version),
        baseline == null ? "" : baseline.toString(),
        role,
        segment == null ? "" : segment,
        windowStartMillis + "/" + windowEndMillis,
        measure.statistic().wireName(),
        measure.definition());
  }

  private static String id(String... parts) {
    byte[] text = String.join(SEPARATOR, parts).getBytes(StandardCharsets.UTF_8);
    return ReferenceProfile.sha256(text).substring(0, ID_DIGITS);
  }

  /** Writes them between operators. */
  static final class Serializer extends RecordSerializer<Measured> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public Measured createInstance() {
      return new Measured(
          "",
          0,
          null,
          "",
          null,
          0,
          0,
          new Measure(
              "", Statistic.PSI, "", "", null, null, Measure.Status.OK, 0, Map.of(), List.of()),
          null,
          null,
          0,
          0);
    }

    @Override
    protected void write(Measured measured, DataOutputView out) throws IOException {
      Values.writeText(measured.model, out);
      out.writeInt(measured.version);
      Values.write(measured.baseline, out);
      Values.writeText(measured.role, out);
      Values.write(measured.segment, out);
      out.writeLong(measured.windowStartMillis);
      out.writeLong(measured.windowEndMillis);
      Measure measure = measured.measure;
      Values.writeText(measure.feature(), out);
      Values.writeText(measure.statistic().name(), out);
      Values.writeText(measure.definition(), out);
      Values.writeText(measure.slot(), out);
      Values.write(measure.value(), out);
      Values.write(measure.threshold(), out);
      Values.writeText(measure.status().name(), out);
      out.writeLong(measure.referenceCount());
      out.writeInt(measure.counts().size());
      for (Map.Entry<String, Long> bin : measure.counts().entrySet()) {
        Values.writeText(bin.getKey(), out);
        out.writeLong(bin.getValue());
      }
      out.writeInt(measure.contributions().size());
      for (Measure.Contribution contribution : measure.contributions()) {
        Values.writeText(contribution.bin(), out);
        out.writeDouble(contribution.value());
      }
      Values.write(measured.variance, out);
      Values.write(measured.sinceMillis, out);
      out.writeLong(measured.count);
      out.writeLong(measured.labelled);
    }

    @Override
    public Measured deserialize(DataInputView in) throws IOException {
      return new Measured(
          Values.readText(in),
          in.readInt(),
          (Integer) Values.read(in),
          Values.readText(in),
          (String) Values.read(in),
          in.readLong(),
          in.readLong(),
          measure(in),
          (Double) Values.read(in),
          (Long) Values.read(in),
          in.readLong(),
          in.readLong());
    }

    private static Measure measure(DataInputView in) throws IOException {
      return new Measure(
          Values.readText(in),
          Statistic.valueOf(Values.readText(in)),
          Values.readText(in),
          Values.readText(in),
          (Double) Values.read(in),
          (Double) Values.read(in),
          Measure.Status.valueOf(Values.readText(in)),
          in.readLong(),
          counts(in),
          contributions(in));
    }

    private static Map<String, Long> counts(DataInputView in) throws IOException {
      int size = in.readInt();
      Map<String, Long> counts = new HashMap<>();
      for (int i = 0; i < size; i++) {
        counts.put(Values.readText(in), in.readLong());
      }
      return counts;
    }

    private static List<Measure.Contribution> contributions(DataInputView in) throws IOException {
      int size = in.readInt();
      List<Measure.Contribution> contributions = new ArrayList<>(size);
      for (int i = 0; i < size; i++) {
        contributions.add(new Measure.Contribution(Values.readText(in), in.readDouble()));
      }
      return contributions;
    }

    @Override
    public TypeSerializerSnapshot<Measured> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Measured> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
