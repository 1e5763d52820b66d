package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.row.Positions;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.IcebergEnds;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.KafkaEnds;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import dev.millrace.streaming.StrictEnvironment;
import dev.millrace.streaming.WarehouseTables;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.iceberg.Files;
import org.apache.iceberg.Schema;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetReaders;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.parquet.Parquet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same events through the stream and through a batch run, on real tasks with real models. */
class ScoreGraphITCase {

  private static final int EVENTS = 2_000;
  private static final int ENTITIES = 40;
  private static final long SECOND = 1_000;

  /** What the sinks got, by sink; sinks run in this process. */
  private static final Map<String, Queue<Object>> WRITTEN = new ConcurrentHashMap<>();

  private final Path folder;

  ScoreGraphITCase(@TempDir Path folder) {
    this.folder = folder;
  }

  /** Events of two partitions, out of order, with the rows that the pipeline made of them. */
  private static final class History {
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

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void aBatchRunSaysWhatTheStreamSaid(long seed) throws Exception {
    WRITTEN.clear();
    History history = new History(seed);
    List<DeploymentRecord> log = log();
    // Events of a partition keep their order, as from Kafka.
    StreamExecutionEnvironment streaming = environment().setParallelism(1);
    Model model = model("0.25");
    InferenceJob.define(
        streaming, Flights.project(model), Flights.running(model), new Streamed(history, log));
    streaming.execute("stream");
    JobExecutionResult counted = batch(model, history, FrozenDeployments.standing(log), all());

    Map<String, Prediction> streamed = byId("streamed");
    Map<String, Prediction> batched = byId("batched");
    assertThat(streamed).hasSize(EVENTS - history.unkeyed);
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
        .isLessThan(EVENTS / 10);
    assertThat(counted.<Long>getAccumulatorResult(ScoreCounts.ROWS))
        .isEqualTo(EVENTS - history.unkeyed);
    assertThat(counted.<Long>getAccumulatorResult(ScoreCounts.LETTERS + "NULL_KEY"))
        .isEqualTo(history.unkeyed);
    assertThat(counted.<Long>getAccumulatorResult(ScoreCounts.VERSION + 2))
        .isEqualTo(batched.values().stream().filter(p -> p.version() == 2).count());
    assertThat(counted.<Long>getAccumulatorResult(LoggedJoin.UNDECIDED)).isZero();
  }

  @Test
  void oneVersionScoresThemAllAndOnlyTheRange() throws Exception {
    WRITTEN.clear();
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
        batch(
            model(null), history, FrozenDeployments.only("delay_risk", version(1), "r1"), request);
    Map<String, Prediction> batched = byId("batched");
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
  void theWarehouseGivesAndTakesTheSame() throws Exception {
    WRITTEN.clear();
    History history = new History(11);
    FrozenDeployments deployments = FrozenDeployments.standing(log());
    Model model = model("0.25");
    JobExecutionResult unusedInMemory = batch(model, history, deployments, range(null));
    Map<String, Prediction> expected = byId("batched");

    Target target = target();
    fill(target, history);
    for (String out : Arrays.asList(null, folder.resolve("out/scores.parquet").toString())) {
      StreamExecutionEnvironment env = environment();
      try (WarehouseTables tables = WarehouseTables.newest(target)) {
        ScoreRequest request = range(out);
        ScoreGraph.define(
            env,
            plan(model),
            deployments,
            request,
            new ScoreEnds(Flights.project(model), target, request, tables));
      }
      JobExecutionResult counted = env.execute("score");
      assertThat(counted.<Long>getAccumulatorResult(ScoreCounts.ROWS)).isEqualTo(expected.size());
    }
    List<Record> table = new ArrayList<>();
    try (JdbcCatalog catalog = Warehouse.open(target);
        CloseableIterable<Record> rows =
            IcebergGenerics.read(catalog.loadTable(Warehouse.scores("flights", "delay_risk")))
                .build()) {
      rows.forEach(table::add);
    }
    List<Record> file = new ArrayList<>();
    Schema schema = Warehouse.scoresSchema();
    try (CloseableIterable<Record> rows =
        Parquet.read(Files.localInput(folder.resolve("out/scores.parquet").toFile()))
            .project(schema)
            .createReaderFunc(type -> GenericParquetReaders.buildReader(schema, type))
            .build()) {
      rows.forEach(file::add);
    }
    assertSame(table, expected);
    assertSame(file, expected);
    try (Stream<Path> files = java.nio.file.Files.list(folder.resolve("out"))) {
      assertThat(files).containsExactly(folder.resolve("out/scores.parquet"));
    }
  }

  private static void assertSame(List<Record> rows, Map<String, Prediction> expected) {
    Map<String, Prediction> left = new TreeMap<>(expected);
    for (Record row : rows) {
      Prediction p = left.remove(String.valueOf(row.getField("prediction_id")));
      assertThat(p).isNotNull();
      assertThat(row.getField("event_id")).isEqualTo(p.eventId());
      assertThat(row.getField("score")).isEqualTo(p.score());
      assertThat(row.getField("version")).isEqualTo(p.version());
      assertThat(row.getField("role")).isEqualTo(p.role().name());
      assertThat(row.getField("inputs")).isEqualTo(p.inputs());
      assertThat(row.getField("freshness")).isEqualTo(p.freshness());
      assertThat(row.getField("decision")).isEqualTo(p.decision());
      assertThat(row.getField("run")).isEqualTo("r1");
    }
    assertThat(left).isEmpty();
  }

  private static ScoreRequest range(@Nullable String out) {
    return new ScoreRequest(
        "delay_risk",
        Flights.timeMillis(250),
        Flights.timeMillis(EVENTS - 300),
        null,
        false,
        out,
        "r1");
  }

  private Target target() {
    return new Target(
        "127.0.0.1:1",
        "http://127.0.0.1:1",
        "127.0.0.1:1",
        "http://127.0.0.1:1",
        null,
        folder.resolve("warehouse").toUri().toString(),
        "jdbc:sqlite:" + folder.resolve("catalog.db") + "?busy_timeout=30000",
        folder.resolve("artifacts").toUri().toString());
  }

  /** What the feature pipeline would have written, and rows of another definition. */
  private static void fill(Target target, History history) throws Exception {
    Project project = Flights.project(model(null));
    StreamExecutionEnvironment env = environment();
    StrictEnvironment.batch(env);
    IcebergEnds.append(
        env.fromData(history.events, Serializers.INBOUND).uid("all-events"),
        target,
        Warehouse.events("flights", "departures"),
        Warehouse.eventsSchema(project.source("departures").orElseThrow()),
        inbound -> eventRow(Objects.requireNonNull(inbound.event())),
        "events");
    List<LoggedRow> rows = new ArrayList<>(history.logged);
    for (int i = 0; i < 50; i++) {
      // Later than all others, if they counted.
      LoggedRow row = rows.get(i);
      rows.add(new LoggedRow(row.entityKey(), -1, row.knownAtMillis(), row.row()));
    }
    IcebergEnds.append(
        env.fromData(rows, LoggedRow.TYPE).uid("all-rows"),
        target,
        Warehouse.features("flights", "origin_departures"),
        Warehouse.featuresSchema(project.featureView("origin_departures").orElseThrow()),
        ScoreGraphITCase::featureRow,
        "rows");
    env.execute("fill");
  }

  private static RowData eventRow(Event event) {
    return GenericRowData.of(
        StringData.fromString(event.id()),
        TimestampData.fromEpochMillis(event.eventTimeMillis()),
        event.values()[2] == null ? null : StringData.fromString((String) event.values()[2]),
        event.values()[3],
        event.partition(),
        event.offset(),
        StringData.fromString("OK"));
  }

  private static RowData featureRow(LoggedRow logged) {
    Double count = (Double) logged.row().values()[0];
    return GenericRowData.of(
        StringData.fromString(logged.entityKey()),
        TimestampData.fromEpochMillis(logged.row().timeMillis()),
        StringData.fromString(logged.row().positions().toString()),
        StringData.fromString(logged.epoch() < 0 ? "9-cccccccccccc" : Flights.DEPARTURES_VERSION),
        TimestampData.fromEpochMillis(logged.knownAtMillis()),
        count == null ? null : (Long) count.longValue());
  }

  @Test
  void whatNobodyCanScoreIsRefused() {
    assertThatThrownBy(
            () ->
                batch(
                    model(null),
                    new History(1),
                    FrozenDeployments.standing(
                        List.of(Flights.record(0, "d1", Deployment.State.PREPARING, 1))),
                    all()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no version of it was ever deployed");
  }

  @Test
  void aVersionThatCannotBeLoadedEndsTheRun() throws Exception {
    DeployedVersion version = version(1);
    DeployedVersion other = new DeployedVersion(1, version.uri(), "0".repeat(64));
    assertThatThrownBy(
            () ->
                batch(
                    model("0.5"),
                    new History(1),
                    FrozenDeployments.only("delay_risk", other, "r"),
                    all()))
        .hasStackTraceContaining("announced was 0000");
  }

  private JobExecutionResult batch(
      Model model, History history, FrozenDeployments deployments, ScoreRequest request)
      throws Exception {
    StreamExecutionEnvironment env = environment();
    ScoreGraph.define(env, plan(model), deployments, request, new Batched(history));
    return env.execute("batch");
  }

  private static ScoringPlan plan(Model model) {
    return ScoringPlan.of(
        Flights.project(model), model, Flights.running(model), true, InferenceJob.STAGE);
  }

  /** Whatever fails ends the job. */
  private static StreamExecutionEnvironment environment() {
    return StrictEnvironment.strict(
        StreamExecutionEnvironment.createLocalEnvironment(
            2, new Configuration().set(RestartStrategyOptions.RESTART_STRATEGY, "none")));
  }

  private static ScoreRequest all() {
    return new ScoreRequest("delay_risk", Long.MIN_VALUE, Long.MAX_VALUE, null, false, null, "r1");
  }

  private static Model model(@Nullable String fallback) {
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
  private List<DeploymentRecord> log() throws Exception {
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
  private DeployedVersion version(int number) throws Exception {
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
  private static Map<String, Prediction> byId(String sink) {
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
