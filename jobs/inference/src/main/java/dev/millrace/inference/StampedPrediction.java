package dev.millrace.inference;

import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import dev.millrace.streaming.Stamp;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/** A prediction on its way to a topic, with what its writer knows of event time. */
record StampedPrediction(Prediction prediction, Stamp stamp) {

  /** The versions whose scores of the same event are on the shadows topic, joined by commas. */
  static final String SHADOWS_HEADER = "millrace-shadows";

  /** The version of a shadow, of which an event may have several. */
  static final String VERSION_HEADER = "millrace-version";

  /** See {@link Prediction#segments}. */
  static final String SEGMENTS_HEADER = "millrace-segments";

  static final TypeInformation<StampedPrediction> TYPE =
      new RecordType<>(StampedPrediction.class, Serializer.INSTANCE);

  /** What goes beside the record's value. */
  List<Header> headers() {
    List<Header> headers = new ArrayList<>(4);
    headers.add(new RecordHeader(Stamp.HEADER, stamp.bytes()));
    if (!prediction.shadows().isEmpty()) {
      headers.add(
          new RecordHeader(
              SHADOWS_HEADER,
              prediction.shadows().stream()
                  .map(String::valueOf)
                  .collect(Collectors.joining(","))
                  .getBytes(StandardCharsets.US_ASCII)));
    }
    String segments = prediction.segments();
    if (segments != null) {
      headers.add(new RecordHeader(SEGMENTS_HEADER, segments.getBytes(StandardCharsets.UTF_8)));
    }
    if (prediction.role() == Role.SHADOW) {
      headers.add(
          new RecordHeader(
              VERSION_HEADER,
              String.valueOf(prediction.version()).getBytes(StandardCharsets.US_ASCII)));
    }
    return headers;
  }

  /** Puts the stamp on; chained behind the operator whose watermark it tells. */
  static final class Stamping extends ProcessFunction<Prediction, StampedPrediction> {
    private static final long serialVersionUID = 1L;

    @Override
    public void processElement(
        Prediction prediction, Context context, Collector<StampedPrediction> out) {
      var task = getRuntimeContext().getTaskInfo();
      out.collect(
          new StampedPrediction(
              prediction,
              new Stamp(
                  task.getIndexOfThisSubtask(),
                  task.getNumberOfParallelSubtasks(),
                  context.timerService().currentWatermark())));
    }
  }

  /** Writes them between operators that are not chained. */
  static final class Serializer extends RecordSerializer<StampedPrediction> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public StampedPrediction createInstance() {
      return new StampedPrediction(
          PredictionSerializer.INSTANCE.createInstance(), new Stamp(0, 1, Long.MIN_VALUE));
    }

    @Override
    protected void write(StampedPrediction stamped, DataOutputView out) throws IOException {
      PredictionSerializer.INSTANCE.serialize(stamped.prediction, out);
      out.writeInt(stamped.stamp.subtask());
      out.writeInt(stamped.stamp.parallelism());
      out.writeLong(stamped.stamp.watermarkMillis());
    }

    @Override
    public StampedPrediction deserialize(DataInputView in) throws IOException {
      return new StampedPrediction(
          PredictionSerializer.INSTANCE.deserialize(in),
          new Stamp(in.readInt(), in.readInt(), in.readLong()));
    }

    @Override
    public TypeSerializerSnapshot<StampedPrediction> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<StampedPrediction> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
