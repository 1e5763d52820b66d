package dev.millrace.streaming.transactions;

import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.api.connector.sink2.CommitterInitContext;
import org.apache.flink.api.connector.sink2.CommittingSinkWriter;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.api.connector.sink2.SupportsCommitter;
import org.apache.flink.api.connector.sink2.SupportsWriterState;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.streaming.api.connector.sink2.CommittableMessage;
import org.apache.flink.streaming.api.connector.sink2.SupportsPostCommitTopology;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.lineage.LineageVertex;
import org.apache.flink.streaming.api.lineage.LineageVertexProvider;

/**
 * The connector's exactly-once sink, which does not lose a transaction in silence: each goes to the
 * committer with the place of one of its records, and a commit that Kafka refuses is looked up
 * there.
 *
 * @param <T> what is written
 * @param <S> the connector's writer state, a type of its own
 * @param <C> the connector's transactions, a type of its own
 */
public final class LossCheckedSink<T, S, C>
    implements Sink<T>,
        SupportsWriterState<T, S>,
        SupportsCommitter<Marked<C>>,
        SupportsPostCommitTopology<Marked<C>>,
        LineageVertexProvider {

  private static final long serialVersionUID = 1L;

  /** Below the half of a usual checkpoint timeout. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final KafkaSink<T> sink;
  private final String bootstrapServers;
  private final String what;
  private final AcceptedLosses accepted;

  private LossCheckedSink(
      KafkaSink<T> sink, String bootstrapServers, String what, AcceptedLosses accepted) {
    this.sink = sink;
    this.bootstrapServers = bootstrapServers;
    this.what = what;
    this.accepted = accepted;
  }

  /**
   * Wraps an exactly-once sink.
   *
   * @param what the sink and its timeout, for messages
   */
  public static <T> Sink<T> of(
      KafkaSink<T> sink, String bootstrapServers, String what, Map<String, String> environment) {
    return new LossCheckedSink<T, Object, Object>(
        sink, bootstrapServers, what, AcceptedLosses.of(environment));
  }

  @Override
  public SinkWriter<T> createWriter(WriterInitContext context) throws IOException {
    FirstRecord first = new FirstRecord();
    Sink<T> plain = sink;
    return marking(plain.createWriter(new MarkingContext(context, first)), first);
  }

  @Override
  public StatefulSinkWriter<T, S> restoreWriter(WriterInitContext context, Collection<S> recovered)
      throws IOException {
    FirstRecord first = new FirstRecord();
    return marking(stateful().restoreWriter(new MarkingContext(context, first), recovered), first);
  }

  @SuppressWarnings("unchecked") // The connector's writer is both, by an interface of its own.
  private MarkingWriter<T, S, C> marking(SinkWriter<T> writer, FirstRecord first) {
    return new MarkingWriter<>(
        (StatefulSinkWriter<T, S>) writer, (CommittingSinkWriter<T, C>) writer, first);
  }

  @Override
  public SimpleVersionedSerializer<S> getWriterStateSerializer() {
    return stateful().getWriterStateSerializer();
  }

  @Override
  public Committer<Marked<C>> createCommitter(CommitterInitContext context) throws IOException {
    return new LossCheckedCommitter<>(
        committing().createCommitter(context),
        new FatesInKafka(bootstrapServers, PATIENCE),
        accepted,
        what,
        context.metricGroup());
  }

  @Override
  public SimpleVersionedSerializer<Marked<C>> getCommittableSerializer() {
    return new MarkedSerializer<>(committing().getCommittableSerializer());
  }

  /**
   * The connector puts writer and committer into one slot, where they tell each other which
   * transactional ids are free again. It looks at the graph alone, not at what flows.
   */
  @Override
  @SuppressWarnings({"unchecked", "rawtypes"}) // See above.
  public void addPostCommitTopology(DataStream<CommittableMessage<Marked<C>>> committables) {
    ((SupportsPostCommitTopology) sink).addPostCommitTopology(committables);
  }

  @Override
  public LineageVertex getLineageVertex() {
    return sink.getLineageVertex();
  }

  @SuppressWarnings({"unchecked", "rawtypes"}) // The connector's type of state is not public.
  private SupportsWriterState<T, S> stateful() {
    return (SupportsWriterState) sink;
  }

  @SuppressWarnings({"unchecked", "rawtypes"}) // The connector's type of them is not public.
  private SupportsCommitter<C> committing() {
    return (SupportsCommitter) sink;
  }
}
