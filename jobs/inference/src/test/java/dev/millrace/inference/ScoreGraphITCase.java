package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.Model;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.inference.BatchRuns.History;
import dev.millrace.inference.BatchRuns.Kept;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.KafkaEnds;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same events through the stream and through a batch run, on real tasks with real models. */
class ScoreGraphITCase {

  private final BatchRuns runs;

  ScoreGraphITCase(@TempDir Path folder) {
    this.runs = new BatchRuns(folder);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void aBatchRunSaysWhatTheStreamSaid(long seed) throws Exception {
    History history = new History(seed);
    List<DeploymentRecord> log = runs.log();
    // Events of a partition keep their order, as from Kafka.
    StreamExecutionEnvironment streaming = BatchRuns.environment().setParallelism(1);
    Model model = BatchRuns.model("0.25");
    InferenceJob.define(
        streaming, Flights.project(model), Flights.running(model), new Streamed(history, log));
    streaming.execute("stream");
    JobExecutionResult counted = runs.batch(model, history, FrozenDeployments.standing(log), all());

    Map<String, Prediction> streamed = BatchRuns.byId("streamed");
    Map<String, Prediction> batched = BatchRuns.byId("batched");
    assertThat(streamed).hasSize(BatchRuns.EVENTS - history.unkeyed);
    assertThat(batched.keySet()).isEqualTo(streamed.keySet());
    assertThat(
            batched.keySet().stream()
                .filter(id -> !Objects.equals(batched.get(id), streamed.get(id)))
                .limit(3)
                .map(id -> batched.get(id) + "\nin the stream " + streamed.get(id)))
        .isEmpty();
    assertThat(batched.values())
        .extracting(Prediction::role)
        .contains(Role.FALLBACK, Role.CHAMPION, Role.CANARY);
    assertThat(batched.values()).extracting(Prediction::version).contains(0, 1, 2, 3);
    assertThat(batched.values().stream().filter(p -> p.rows().isEmpty()).count())
        .isLessThan(BatchRuns.EVENTS / 10);
    assertThat(counted.<Long>getAccumulatorResult(ScoreCounts.ROWS))
        .isEqualTo(BatchRuns.EVENTS - history.unkeyed);
    assertThat(counted.<Long>getAccumulatorResult(ScoreCounts.LETTERS + "NULL_KEY"))
        .isEqualTo(history.unkeyed);
    assertThat(counted.<Long>getAccumulatorResult(ScoreCounts.VERSION + 2))
        .isEqualTo(batched.values().stream().filter(p -> p.version() == 2).count());
    assertThat(counted.<Long>getAccumulatorResult(LoggedJoin.UNDECIDED)).isZero();
  }

  @Test
  void oneVersionScoresThemAllAndOnlyTheRange() throws Exception {
    History history = new History(7);
    ScoreRequest request =
        new ScoreRequest(
            "delay_risk",
            Flights.timeMillis(1_000),
            Flights.timeMillis(1_100),
            1,
            false,
            null,
            "r1");
    JobExecutionResult unused =
        runs.batch(
            BatchRuns.model(null),
            history,
            FrozenDeployments.only("delay_risk", runs.version(1), "r1"),
            request);
    Map<String, Prediction> batched = BatchRuns.byId("batched");
    assertThat(batched.values())
        .isNotEmpty()
        .allSatisfy(
            p -> {
              assertThat(p.version()).isEqualTo(1);
              assertThat(p.role()).isEqualTo(Role.CHAMPION);
              assertThat(p.deploymentId()).isEqualTo("r1");
              assertThat(p.eventTimeMillis())
                  .isBetween(Flights.timeMillis(1_000), Flights.timeMillis(1_100));
            });
    long expected =
        history.events.stream()
            .map(Inbound::event)
            .filter(
                e ->
                    e != null
                        && e.values()[2] != null
                        && e.eventTimeMillis() >= Flights.timeMillis(1_000)
                        && e.eventTimeMillis() <= Flights.timeMillis(1_100))
            .count();
    assertThat(batched).hasSize((int) expected);
  }

  @Test
  void whatNobodyCanScoreIsRefused() {
    assertThatThrownBy(
            () ->
                runs.batch(
                    BatchRuns.model(null),
                    new History(1),
                    FrozenDeployments.standing(
                        List.of(Flights.record(0, "d1", Deployment.State.PREPARING, 1))),
                    all()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no version of it was ever deployed");
  }

  @Test
  void aVersionThatCannotBeLoadedEndsTheRun() throws Exception {
    DeployedVersion version = runs.version(1);
    DeployedVersion other = new DeployedVersion(1, version.uri(), "0".repeat(64));
    assertThatThrownBy(
            () ->
                runs.batch(
                    BatchRuns.model("0.5"),
                    new History(1),
                    FrozenDeployments.only("delay_risk", other, "r"),
                    all()))
        .hasStackTraceContaining("announced was 0000");
  }

  private static ScoreRequest all() {
    return new ScoreRequest("delay_risk", Long.MIN_VALUE, Long.MAX_VALUE, null, false, null, "r1");
  }

  private record Streamed(History history, List<DeploymentRecord> log)
      implements InferenceJob.Ends {

    @Override
    public DataStream<Inbound> events(
        StreamExecutionEnvironment env, Model model, SourcePlan plan) {
      return env.fromData(history.events, Serializers.INBOUND)
          .uid("events")
          .assignTimestampsAndWatermarks(KafkaEnds.watermarks(plan, Duration.ofMinutes(10)))
          .uid("watermarks");
    }

    @Override
    public DataStream<DeploymentRecord> deployments(StreamExecutionEnvironment env) {
      return env.fromData(log, DeploymentRecord.TYPE).uid("deployments");
    }

    @Override
    public ScoringEnds scoring() {
      FrozenLog frozen = new FrozenLog(log);
      return new ScoringEnds(
          () -> {
            throw new IllegalStateException("The model joins rows");
          },
          frozen,
          NoAnnouncements::new,
          (model, since) -> OptionalLong.empty(),
          new OnnxModels(),
          new WaitClock.OfSystem(),
          new LoaderThread());
    }

    @Override
    public DataStream<EntityRow> rows(
        StreamExecutionEnvironment env, Model model, ViewRead view, int number) {
      return env.fromData(history.rows, EntityRow.TYPE).uid("rows");
    }

    @Override
    public void predictions(Model model, DataStream<StampedPrediction> predictions) {
      predictions.sinkTo(new Kept<>("streamed")).uid("predictions");
    }

    @Override
    public void shadows(Model model, DataStream<StampedPrediction> shadows) {
      shadows.sinkTo(new Kept<>("shadows")).uid("shadows");
    }

    @Override
    public DataStream<RawPrediction> served(StreamExecutionEnvironment env, Model model) {
      return raw(env, "served");
    }

    @Override
    public DataStream<RawPrediction> shadowed(StreamExecutionEnvironment env, Model model) {
      return raw(env, "shadowed");
    }

    private static DataStream<RawPrediction> raw(StreamExecutionEnvironment env, String uid) {
      return env.fromData(
              List.of(RawPrediction.of(new byte[] {1}, new byte[0], new byte[] {1})),
              RawPrediction.TYPE)
          .setParallelism(1)
          .uid(uid);
    }

    @Override
    public void table(Model model, DataStream<RawPrediction> predictions) {
      predictions.sinkTo(new Kept<>("table")).uid("table");
    }

    @Override
    public void shadowTable(Model model, DataStream<RawPrediction> shadows) {
      shadows.sinkTo(new Kept<>("shadow-table")).uid("shadow-table");
    }

    @Override
    public void letters(DataStream<DeadLetter> letters) {
      letters.sinkTo(new Kept<>("letters")).uid("letters");
    }
  }

  /** A log that travels to the tasks whole, with what a batch run would leave out. */
  private static final class FrozenLog implements DeploymentLog {
    private static final long serialVersionUID = 1L;
    private static final Map<Integer, List<DeploymentRecord>> LOGS = new ConcurrentHashMap<>();
    private final int number;

    FrozenLog(List<DeploymentRecord> log) {
      this.number = LOGS.size();
      LOGS.put(number, log);
    }

    @Override
    public List<DeploymentRecord> read(String model) {
      return LOGS.getOrDefault(number, List.of());
    }
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
}
