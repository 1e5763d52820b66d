package dev.millrace.inference;

import static dev.millrace.inference.Flights.DELAY;
import static dev.millrace.inference.Flights.DISTANCE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.millrace.core.definition.Model;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import dev.millrace.streaming.StrictEnvironment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;

/**
 * The whole graph as {@code define} makes it, on real tasks, with a real model and a real Redis.
 */
class InferenceJobITCase {

  /** What the sinks got, by sink; sinks run in this process. */
  private static final Map<String, Queue<Object>> WRITTEN = new ConcurrentHashMap<>();

  @Test
  void eventsBecomePredictions() throws Exception {
    WRITTEN.clear();
    try (RealRedis redis = new RealRedis()) {
      redis.row(
          "features:{origin:JFK}:origin_delays",
          Map.of(
              "_time", String.valueOf(Flights.timeMillis(0)),
              "_source", "0:7",
              "_version", Flights.ARRIVALS_VERSION,
              "count_1h", "3",
              "delay_mean_1h", "10"));
      StreamExecutionEnvironment env =
          StrictEnvironment.strict(StreamExecutionEnvironment.createLocalEnvironment(2));
      Model model = Flights.model("0.2", List.of(DELAY, DISTANCE));
      InferenceJob.define(
          env, Flights.project(model), Flights.running(model), new InMemory(redis.address()));
      env.execute("inference");
    }
    assertThat(written("predictions", StampedPrediction.class))
        .extracting(StampedPrediction::prediction)
        .hasSize(7)
        .allSatisfy(
            p -> {
              assertThat(p.role()).isEqualTo(Role.CHAMPION);
              assertThat(p.sha256()).isEqualTo(OnnxModelsTest.SHA256);
              assertThat(p.score()).isCloseTo(1 / (1 + Math.exp(-1.5)), within(1e-6));
              assertThat(p.freshness()).isEqualTo(Map.of("origin_delays", "INCLUDED"));
            })
        .extracting(Prediction::eventId)
        .containsExactlyInAnyOrder("f1", "f2", "f3", "f4", "f5", "f6", "f7");
    assertThat(written("letters", DeadLetter.class))
        .extracting(DeadLetter::reason)
        .containsExactly("NULL_KEY");
    assertThat(written("table", RawPrediction.class))
        .extracting(r -> (int) r.value()[0])
        .containsExactlyInAnyOrder(1, 2);
    assertThat(written("shadow-table", RawPrediction.class))
        .extracting(r -> (int) r.value()[0])
        .containsExactlyInAnyOrder(2, 3);
    assertThat(written("predictions", StampedPrediction.class))
        .allSatisfy(s -> assertThat(s.stamp().parallelism()).isPositive());
  }

  /** Nobody prepares anything here. */
  private static final class NoAnnouncements implements Announcements {
    @Override
    public void announce(LifecycleEntry entry) {
      throw new IllegalStateException("Nothing is prepared here: " + entry);
    }

    @Override
    public void close() {}
  }

  private static <T> List<T> written(String sink, Class<T> type) {
    return WRITTEN.getOrDefault(sink, new ConcurrentLinkedQueue<>()).stream()
        .map(type::cast)
        .toList();
  }

  private record InMemory(String redis) implements InferenceJob.Ends {

    @Override
    public DataStream<Inbound> events(
        StreamExecutionEnvironment env, Model model, SourcePlan plan) {
      List<Inbound> events = new ArrayList<>();
      for (int offset = 1; offset <= 7; offset++) {
        events.add(Flights.departure(offset, "JFK", 500.0));
      }
      events.add(Flights.departure(8, null, 500.0));
      return env.fromData(events, Serializers.INBOUND).uid("events");
    }

    @Override
    public DataStream<DeploymentRecord> deployments(StreamExecutionEnvironment env) {
      return env.fromData(List.of(Flights.deployed(0, 1)), DeploymentRecord.TYPE)
          .uid("deployments");
    }

    @Override
    public ScoringEnds scoring() {
      String address = redis;
      String uri = OnnxModelsTest.uri();
      return new ScoringEnds(
          () -> new JedisFeatureReads(address),
          model ->
              List.of(
                  new DeploymentRecord(
                      new Deployment(
                          model,
                          "d1",
                          Deployment.State.EFFECTIVE,
                          null,
                          new DeployedVersion(1, uri, OnnxModelsTest.SHA256),
                          null,
                          0,
                          List.of(),
                          0),
                      2,
                      0)),
          NoAnnouncements::new,
          (model, since) -> OptionalLong.empty(),
          new OnnxModels(),
          new WaitClock.OfSystem(),
          new LoaderThread());
    }

    @Override
    public DataStream<EntityRow> rows(
        StreamExecutionEnvironment env, Model model, ViewRead view, int number) {
      throw new IllegalStateException("The model reads the online store");
    }

    @Override
    public void predictions(Model model, DataStream<StampedPrediction> predictions) {
      predictions.sinkTo(new Kept<>("predictions")).uid("predictions");
    }

    @Override
    public void shadows(Model model, DataStream<StampedPrediction> shadows) {
      shadows.sinkTo(new Kept<>("shadows")).uid("shadows");
    }

    @Override
    public DataStream<RawPrediction> shadowed(StreamExecutionEnvironment env, Model model) {
      return env.fromData(
              Arrays.asList(raw("a", 2, 2), raw("a", 3, 3), raw("a", 2, 2)), RawPrediction.TYPE)
          .setParallelism(1)
          .uid("shadowed");
    }

    @Override
    public void shadowTable(Model model, DataStream<RawPrediction> shadows) {
      shadows.sinkTo(new Kept<>("shadow-table")).uid("shadow-table");
    }

    @Override
    public DataStream<RawPrediction> served(StreamExecutionEnvironment env, Model model) {
      return env.fromData(
              Arrays.asList(raw("a", 0, 1), raw("b", 0, 2), raw("a", 0, 3)), RawPrediction.TYPE)
          .setParallelism(1)
          .uid("served");
    }

    @Override
    public void table(Model model, DataStream<RawPrediction> predictions) {
      predictions.sinkTo(new Kept<>("table")).uid("table");
    }

    @Override
    public void letters(DataStream<DeadLetter> letters) {
      letters.sinkTo(new Kept<>("letters")).uid("letters");
    }

    private static RawPrediction raw(String key, int version, int value) {
      return RawPrediction.of(
          key.getBytes(StandardCharsets.UTF_8),
          version == 0 ? new byte[0] : new byte[] {(byte) version},
          new byte[] {(byte) value});
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
