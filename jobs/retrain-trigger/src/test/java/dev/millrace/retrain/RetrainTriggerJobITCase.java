package dev.millrace.retrain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.retrain.RetrainDecision;
import dev.millrace.core.rollout.Alert;
import dev.millrace.core.rollout.RolloutStep;
import dev.millrace.streaming.StrictEnvironment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;

/** The whole graph as {@code define} makes it, on real tasks. */
class RetrainTriggerJobITCase {

  /** What the sinks got, by sink; sinks run in this process. */
  private static final Map<String, Queue<Object>> WRITTEN = new ConcurrentHashMap<>();

  @Test
  void aChangedConceptBecomesOneRequest() throws Exception {
    WRITTEN.clear();
    StreamExecutionEnvironment env =
        StrictEnvironment.strict(StreamExecutionEnvironment.createLocalEnvironment(2));
    RetrainTriggerJob.define(env, List.of(World.plan()), new InMemory());
    env.execute("retrain-trigger");
    // The topics have no common order: read last, the champion is known an hour or two later.
    assertThat(written("decisions", RetrainDecision.class))
        .filteredOn(RetrainDecision::requested)
        .singleElement()
        .satisfies(
            d ->
                assertThat(d.decidedAtMillis())
                    .isBetween(World.START + 109 * World.HOUR, World.START + 110 * World.HOUR));
    assertThat(written("steps", RolloutStep.class)).isEmpty();
    assertThat(written("commands", LifecycleEntry.class)).isEmpty();
    assertThat(written("alerts", Alert.class)).isEmpty();
  }

  private static <T> List<T> written(String sink, Class<T> type) {
    return WRITTEN.getOrDefault(sink, new ConcurrentLinkedQueue<>()).stream()
        .map(type::cast)
        .toList();
  }

  private record InMemory() implements RetrainTriggerJob.Ends {

    private static DataStream<Seen> of(
        StreamExecutionEnvironment env, String uid, List<Seen> seen) {
      return env.fromData(seen, Seen.TYPE).setParallelism(1).uid(uid);
    }

    @Override
    public DataStream<Seen> drift(StreamExecutionEnvironment env) {
      return of(
          env,
          "drift",
          List.of(
              new Seen.OfLifecycle(
                  LifecycleEntry.command(
                      "other", LifecycleEntry.Command.STAGE, 1, "a", "", 0, "k", "{}"))));
    }

    @Override
    public DataStream<Seen> performance(StreamExecutionEnvironment env) {
      List<Seen> all = World.untilTheRequest();
      return of(env, "performance", new ArrayList<>(all.subList(1, all.size())));
    }

    @Override
    public DataStream<Seen> lifecycle(StreamExecutionEnvironment env) {
      return of(env, "lifecycle", List.of(World.untilTheRequest().get(0)));
    }

    @Override
    public void decisions(DataStream<RetrainDecision> decisions) {
      decisions.sinkTo(new Kept<>("decisions")).uid("decisions");
    }

    @Override
    public void steps(DataStream<RolloutStep> steps) {
      steps.sinkTo(new Kept<>("steps")).uid("steps");
    }

    @Override
    public void commands(DataStream<LifecycleEntry> commands) {
      commands.sinkTo(new Kept<>("commands")).uid("commands");
    }

    @Override
    public void alerts(DataStream<Alert> alerts) {
      alerts.sinkTo(new Kept<>("alerts")).uid("alerts");
    }
  }

  /** A sink that keeps what it gets. */
  private record Kept<T>(String name) implements Sink<T> {
    private static final long serialVersionUID = 1L;

    @Override
    public SinkWriter<T> createWriter(WriterInitContext context) {
      Queue<Object> queue = WRITTEN.computeIfAbsent(name, n -> new ConcurrentLinkedQueue<>());
      return new SinkWriter<>() {
        @Override
        public void write(T element, Context writing) {
          queue.add(element);
        }

        @Override
        public void flush(boolean endOfInput) {}

        @Override
        public void close() {}
      };
    }
  }
}
