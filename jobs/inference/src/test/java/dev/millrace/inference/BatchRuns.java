package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Model;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.row.Positions;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.StrictEnvironment;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/** Batch runs with everything around them in memory, over a history of events and their rows. */
final class BatchRuns {

  static final int EVENTS = 2_000;

  private static final int ENTITIES = 40;
  private static final long SECOND = 1_000;

  /** What the sinks got, by sink; sinks run in this process. */
  private static final Map<String, Queue<Object>> WRITTEN = new ConcurrentHashMap<>();

  private final Path folder;

  /**
   * @param folder where the files of the versions go
   */
  BatchRuns(Path folder) {
    this.folder = folder;
    WRITTEN.clear();
  }

  /** Events of two partitions, out of order, with the rows that the pipeline made of them. */
  static final class History {
    final List<Inbound> events = new ArrayList<>();
    final List<EntityRow> rows = new ArrayList<>();
    final List<LoggedRow> logged = new ArrayList<>();
    int unkeyed;

    History(long seed) {
      Random random = new Random(seed);
      long[] offsets = new long[2];
      Map<String, Map<Integer, Long>> positions = new HashMap<>();
      Map<String, Long> times = new HashMap<>();
      for (int i = 0; i < EVENTS; i++) {
        int partition = random.nextInt(2);
        long offset = offsets[partition]++;
        long timeMillis =
            Flights.timeMillis(i) - (random.nextInt(4) == 0 ? random.nextInt(120) * SECOND : 0);
        String origin = random.nextInt(50) == 0 ? null : "o" + random.nextInt(ENTITIES);
        events.add(event(partition, offset, timeMillis, origin, 1 + random.nextInt(4_000) / 7.0));
        if (origin == null) {
          unkeyed++;
          continue;
        }
        Map<Integer, Long> here = positions.computeIfAbsent(origin, o -> new TreeMap<>());
        here.put(partition, offset);
        long last = Math.max(timeMillis, times.getOrDefault(origin, timeMillis));
        row(origin, last, here, random);
        if (random.nextInt(5) == 0) {
          // As time passes the row is refreshed.
          last += random.nextInt(60) * SECOND;
          row(origin, last, here, random);
        }
        times.put(origin, last);
      }
      Collections.shuffle(logged, random);
    }

    private static Inbound event(
        int partition, long offset, long timeMillis, @Nullable String origin, double distance) {
      String id = "f" + partition + "-" + offset;
      return new Inbound(
          new Event(
              partition,
              offset,
              timeMillis,
              timeMillis,
              id,
              new Object[] {id, timeMillis, origin, distance},
              null,
              new byte[] {1}),
          null);
    }

    private void row(String origin, long timeMillis, Map<Integer, Long> positions, Random random) {
      StringBuilder source = new StringBuilder();
      positions.forEach(
          (partition, offset) ->
              source
                  .append(source.isEmpty() ? "" : ",")
                  .append(partition)
                  .append(':')
                  .append(offset));
      ViewRow row =
          new ViewRow(
              timeMillis,
              Positions.parse(source.toString()),
              false,
              new Double[] {random.nextInt(20) == 0 ? null : (Double) (double) random.nextInt(30)});
      rows.add(new EntityRow(origin, row));
      logged.add(new LoggedRow(origin, 1, rows.size(), row));
    }
  }

  JobExecutionResult batch(
      Model model, History history, FrozenDeployments deployments, ScoreRequest request)
      throws Exception {
    StreamExecutionEnvironment env = environment();
    ScoreGraph.define(env, plan(model), deployments, request, new Batched(history));
    return env.execute("batch");
  }

  static ScoringPlan plan(Model model) {
    return ScoringPlan.of(
        Flights.project(model), model, Flights.running(model), true, InferenceJob.STAGE);
  }

  /** Whatever fails ends the job. */
  static StreamExecutionEnvironment environment() {
    return StrictEnvironment.strict(
        StreamExecutionEnvironment.createLocalEnvironment(
            2, new Configuration().set(RestartStrategyOptions.RESTART_STRATEGY, "none")));
  }

  static Model model(@Nullable String fallback) {
    return new Model(
        "delay_risk",
        "departures",
        Model.FeatureReads.AS_OF,
        List.of(Flights.DEPARTURES, Flights.DISTANCE),
        Double.NaN,
        Map.of("count_1h", -2.5),
        Duration.ofMillis(50),
        new Model.Execution(Model.Provider.CPU, 3, Duration.ofMillis(10), null),
        List.of(new Model.Decision("WARN", "score >= 0.5"), new Model.Decision("OK", "true")),
        fallback,
        Model.Delivery.AT_LEAST_ONCE,
        null,
        null);
  }

  /** Nobody for 300 s; then 1; from the middle on 2, with a canary and a shadow; 4 never was. */
  List<DeploymentRecord> log() throws Exception {
    return List.of(
        deployment(0, "d1", Deployment.State.EFFECTIVE, 300, version(1), null),
        deployment(1, "d4", Deployment.State.EFFECTIVE, 500, version(3), null),
        deployment(2, "d4", Deployment.State.REVOKED, 500, version(3), null),
        deployment(3, "d2", Deployment.State.PREPARING, EVENTS / 2, version(2), version(3)),
        deployment(4, "d2", Deployment.State.EFFECTIVE, EVENTS / 2, version(2), version(3)));
  }

  private DeploymentRecord deployment(
      long offset,
      String id,
      Deployment.State state,
      long fromSeconds,
      DeployedVersion champion,
      @Nullable DeployedVersion canary)
      throws Exception {
    return new DeploymentRecord(
        new Deployment(
            "delay_risk",
            id,
            state,
            Flights.timeMillis(fromSeconds),
            champion,
            canary,
            canary == null ? 0 : 0.3,
            canary == null ? List.of() : List.of(version(1)),
            0),
        0,
        offset);
  }

  /** A version is sigmoid(w · x), each with weights of its own. */
  DeployedVersion version(int number) throws Exception {
    OnnxBytes graph =
        new OnnxBytes()
            .node("MatMul", List.of("x", "w"), "z")
            .node("Sigmoid", List.of("z"), "p")
            .floats("w", 2, 0.37f * number, 0.0011f / number);
    byte[] bytes = OnnxBytes.model(8, 15, graph);
    Path file = folder.resolve(number + ".onnx");
    java.nio.file.Files.write(file, bytes);
    String sha256 = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    return new DeployedVersion(number, file.toUri().toString(), sha256);
  }

  /** Without what only the stream has: the clock, and shadows. */
  static Map<String, Prediction> byId(String sink) {
    Map<String, Prediction> byId = new TreeMap<>();
    for (Object each : WRITTEN.getOrDefault(sink, new ConcurrentLinkedQueue<>())) {
      Prediction p =
          each instanceof StampedPrediction stamped ? stamped.prediction() : (Prediction) each;
      Prediction before =
          byId.put(
              p.predictionId(),
              new Prediction(
                  p.predictionId(),
                  p.eventId(),
                  p.entityKeys(),
                  p.eventTimeMillis(),
                  0,
                  p.model(),
                  p.version(),
                  p.sha256(),
                  p.role(),
                  p.experiment(),
                  p.arm(),
                  p.propensity(),
                  p.score(),
                  p.decision(),
                  p.inputs(),
                  p.freshness(),
                  p.deploymentId(),
                  p.rows(),
                  List.of(),
                  p.segments()));
      assertThat(before).isNull();
    }
    return byId;
  }

  private record Batched(History history) implements ScoreGraph.Ends {
    @Override
    public DataStream<Inbound> events(StreamExecutionEnvironment env, ScoringPlan plan) {
      return env.fromData(history.events, Serializers.INBOUND).uid("events");
    }

    @Override
    public DataStream<LoggedRow> rows(StreamExecutionEnvironment env, ViewRead view, int number) {
      return env.fromData(history.logged, LoggedRow.TYPE).uid("rows-" + number);
    }

    @Override
    public ModelLoader models() {
      return new OnnxModels();
    }

    @Override
    public void predictions(DataStream<Prediction> predictions) {
      predictions.sinkTo(new Kept<>("batched")).uid("predictions");
    }
  }

  /** A sink that keeps what it gets. */
  record Kept<T>(String name) implements Sink<T> {
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
