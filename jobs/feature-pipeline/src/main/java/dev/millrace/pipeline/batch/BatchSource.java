package dev.millrace.pipeline.batch;

import dev.millrace.platform.Target;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.KafkaEnds;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import java.time.Duration;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.java.typeutils.ResultTypeQueryable;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Rows that come in batches, as a stream without an end: each exactly once, all of one partition,
 * at ascending offsets that follow from the order in which files were found. Hence one reader.
 */
public final class BatchSource
    implements Source<Inbound, Delivery, DeliveryEnumerator.State>, ResultTypeQueryable<Inbound> {

  private static final long serialVersionUID = 1L;

  private final SourcePlan plan;
  private final Shelf shelf;
  private final Duration every;

  private BatchSource(SourcePlan plan, Shelf shelf, Duration every) {
    this.plan = plan;
    this.shelf = shelf;
    this.every = every;
  }

  /**
   * The stream of a source of kind iceberg or parquet.
   *
   * @param target whose catalog has the table
   */
  public static DataStream<Inbound> stream(
      StreamExecutionEnvironment env,
      dev.millrace.core.definition.Source source,
      SourcePlan plan,
      Target target) {
    dev.millrace.core.definition.Source.Batch batch = source.batch();
    if (batch == null) {
      throw new IllegalArgumentException(
          "Cannot read source " + source.name() + " in batches: it is " + source.kind());
    }
    Shelf shelf =
        source.kind() == dev.millrace.core.definition.Source.Kind.ICEBERG
            ? new IcebergShelf(target.catalog(), target.warehouse(), batch.place())
            : new ParquetShelf(batch.place());
    return env.fromSource(
            new BatchSource(plan, shelf, batch.every()), KafkaEnds.watermarks(plan), source.name())
        .uid("source-" + source.name())
        .setParallelism(1)
        .setMaxParallelism(1);
  }

  @Override
  public Boundedness getBoundedness() {
    return Boundedness.CONTINUOUS_UNBOUNDED;
  }

  @Override
  public SourceReader<Inbound, Delivery> createReader(SourceReaderContext context) {
    return new DeliveryReader(plan, context);
  }

  @Override
  public SplitEnumerator<Delivery, DeliveryEnumerator.State> createEnumerator(
      SplitEnumeratorContext<Delivery> context) {
    return restoreEnumerator(
        context, new DeliveryEnumerator.State(Seen.NOTHING, java.util.List.of()));
  }

  @Override
  public SplitEnumerator<Delivery, DeliveryEnumerator.State> restoreEnumerator(
      SplitEnumeratorContext<Delivery> context, DeliveryEnumerator.State state) {
    return new DeliveryEnumerator(context, plan.name(), shelf, every, state);
  }

  @Override
  public SimpleVersionedSerializer<Delivery> getSplitSerializer() {
    return DeliverySerializers.DELIVERY;
  }

  @Override
  public SimpleVersionedSerializer<DeliveryEnumerator.State> getEnumeratorCheckpointSerializer() {
    return DeliverySerializers.STATE;
  }

  @Override
  public TypeInformation<Inbound> getProducedType() {
    return Serializers.INBOUND;
  }
}
