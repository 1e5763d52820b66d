package dev.millrace.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.EntityKeys;
import dev.millrace.platform.ArchiveBegin;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.platform.RunningViews;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.platform.WarmReach;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import dev.millrace.streaming.StrictEnvironment;
import java.net.URI;
import java.nio.file.Path;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiter;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.datagen.source.GeneratorFunction;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.checkpoint.OperatorState;
import org.apache.flink.runtime.jobgraph.OperatorID;
import org.apache.flink.state.api.runtime.SavepointLoader;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.FileUtils;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;

/**
 * Views that join a running pipeline: it stops in the middle of its stream with a savepoint, their
 * state is written into another one, and it goes on from there.
 */
class WarmITCase {

  private static final long START = Instant.parse("2026-03-01T12:00:00Z").toEpochMilli();
  private static final int EVENTS = 1_000;
  private static final int HALF = 500;

  private static final String BEFORE =
      """
      project: shop
      sources:
        - {name: payments, schema: payment.avsc, event-id: id, event-time: at,
           max-out-of-orderness: 10m, dedup-window: 5m}
      entities:
        - {name: card, keys: [card]}
      feature-views:
        - name: cards
          entity: card
          source: payments
          filter: "amount >= 0.0"
          allowed-lateness: 20m
          ttl: 60d
          aggregations:
            - {function: count, windows: [10m, 1h]}
            - {function: last_k, column: shop, k: 3, windows: [1h]}
      """;

  /** {@code cards} changed, with other windows, filter and lateness, and two views more. */
  private static final String AFTER =
      BEFORE.substring(0, BEFORE.indexOf("feature-views:"))
          + """
            feature-views:
              - name: cards
                entity: card
                source: payments
                filter: "amount >= 20.0"
                allowed-lateness: 40m
                ttl: 60d
                aggregations:
                  - {function: count, windows: [2h]}
                  - {function: last_k, column: shop, k: 3, windows: [2h]}
                  - {function: sum, column: amount, windows: [2h]}
              - name: tiled_cards
                entity: card
                source: payments
                accuracy: tiled
                ttl: 60d
                aggregations:
                  - {function: mean, column: amount, windows: [6h]}
              - name: lifetimes
                entity: card
                source: payments
                ttl: 60d
                aggregations:
                  - {function: last, column: shop}
                  - {function: max, column: amount, windows: [2h]}
            """;

  /** With a source that the running job does not read. */
  private static final String LATER =
      AFTER.replace(
              "entities:",
              "  - {name: refunds, schema: payment.avsc, event-id: id, event-time: at}\nentities:")
          + """
              - name: refunded
                entity: card
                source: refunds
                aggregations:
                  - {function: count, windows: [1h]}
            """;

  private static final String SCHEMA =
      """
      {"type": "record", "name": "Payment", "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "card", "type": ["null", "string"], "default": null},
        {"name": "shop", "type": "string"},
        {"name": "amount", "type": "double"}]}
      """;

  private static final String CHANGED = "changed cards";
  private static final List<String> JOINING = List.of(CHANGED, "tiled_cards", "lifetimes");
  private static final String NAMES = "cards,tiled_cards,lifetimes";

  private static Payments payments;
  private static Map<String, Integer> indexes;
  private static RealRedis redis;

  /** How many events the source may give, and who waits until it has. */
  private static volatile int allowed;

  private static volatile CountDownLatch given = new CountDownLatch(1);

  private final Path dir;
  private final Target target;
  private final Project before = project(BEFORE);
  private final Project after = project(AFTER);
  private int runs;
  private Map<String, Object> counts = Map.of();

  WarmITCase(@TempDir Path dir) {
    this.dir = dir;
    this.target =
        new Target(
            "127.0.0.1:1",
            "http://127.0.0.1:1",
            redis.address(),
            "http://127.0.0.1:1",
            null,
            dir.resolve("warehouse").toUri().toString(),
            "jdbc:sqlite:" + dir.resolve("catalog.db") + "?busy_timeout=30000",
            dir.resolve("artifacts").toUri().toString());
  }

  private static Project project(String text) {
    return Definitions.read(Map.of("millrace.yaml", text, "payment.avsc", SCHEMA));
  }

  @BeforeAll
  static void begin() throws Exception {
    redis = new RealRedis();
    payments = new Payments(new Random(21), START, EVENTS, HALF);
    indexes = new HashMap<>();
    for (int i = 0; i < EVENTS; i++) {
      indexes.put(place(payments.inbound(i)), i);
    }
  }

  @AfterAll
  static void end() {
    redis.close();
  }

  @Test
  void viewsJoinAsIfTheyHadBeenThere() throws Exception {
    Run first = new Run(1, "hashmap");
    Run second = new Run(1, "rocksdb");
    String savepoint = joined(first);
    go(second, after, savepoint);
    requireRight();
    Set<List<Object>> interrupted = log("cards");
    dropAll();
    allowed = EVENTS;
    go(first, before, null);
    assertThat(log("cards")).isEqualTo(interrupted);
  }

  @Test
  void andWithAnotherParallelismAndBackend() throws Exception {
    String savepoint = joined(new Run(2, "rocksdb"));
    go(new Run(4, "hashmap"), after, savepoint);
    requireRight();
  }

  @Test
  void withoutTheStepTheirRowsAreWrong() throws Exception {
    allowed = HALF;
    String savepoint = stopped(new Run(1, "hashmap"), before);
    allowed = EVENTS;
    go(new Run(1, "hashmap"), after, savepoint);
    assertThat(wrong("cards")).isEmpty();
    for (String view : JOINING) {
      assertThat(wrong(view)).as(view).isNotEmpty();
    }
  }

  @Test
  void whatCannotBeWarmedIsRefused() throws Exception {
    allowed = HALF;
    String savepoint = stopped(new Run(1, "hashmap"), before);
    assertThatThrownBy(() -> warm(after, savepoint, "other"))
        .hasMessageContaining("Cannot warm view other: project shop has none of that name");
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      var table = catalog.loadTable(Warehouse.events("shop", "payments"));
      table.updateProperties().set(ArchiveBegin.PROPERTY, "0:0,1:0,2:5,3:0").commit();
    }
    long midnight = Instant.parse("2026-03-02T00:00:00Z").toEpochMilli();
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      catalog
          .loadTable(Warehouse.events("shop", "payments"))
          .newDelete()
          .deleteFromRowFilter(Expressions.lessThan("at", midnight * 1_000))
          .commit();
    }
    WarmReach.check(target, after, view(CHANGED));
    String unusedSavepoint = warm(after, savepoint, "cards");
    // Where the archive does not reach back far enough the log says nothing.
    Set<List<Object>> log = log(CHANGED);
    assertThat(log).hasSizeGreaterThan(50);
    assertThat(log).allMatch(row -> (Long) row.get(1) >= midnight + 2 * Payments.HOUR);
    assertThat(wrong(CHANGED, log)).isEmpty();
    assertThatThrownBy(() -> WarmReach.check(target, after, view("lifetimes")))
        .hasMessageContaining("Cannot warm view lifetimes: it has a feature without a window");
    assertThatThrownBy(() -> warm(after, savepoint, "lifetimes"))
        .hasMessageContaining("Cannot warm view lifetimes: it has a feature without a window");
    drop(Warehouse.events("shop", "payments"));
    whole();
    assertThatThrownBy(() -> warm(after, savepoint, "tiled_cards"))
        .hasMessageContaining("Cannot warm view tiled_cards: the pipeline has read partition 0")
        .hasMessageContaining("wait for a checkpoint and apply again");
  }

  @Test
  void whatHasNothingToWarmIsLeftOut() throws Exception {
    allowed = HALF;
    String savepoint = stopped(new Run(1, "hashmap"), before);
    Project later = project(LATER);
    String warmed = warm(later, savepoint, "refunded,cards");
    // Its own state is there now, and of the other source nothing has been read.
    String again = warm(later, warmed, "cards,refunded");
    assertThat(operators(warmed)).hasSize(operators(savepoint).size() + 1);
    assertThat(operators(again)).isEqualTo(operators(warmed));
  }

  private static Set<OperatorID> operators(String savepoint) throws Exception {
    return SavepointLoader.loadSavepointMetadata(savepoint).getOperatorStates().stream()
        .map(OperatorState::getOperatorID)
        .collect(Collectors.toSet());
  }

  /** Parallelism and state backend of a job. */
  private record Run(int parallelism, String backend) {}

  /** Stops in the middle, warms, and takes the old savepoint away. */
  private String joined(Run run) throws Exception {
    allowed = HALF;
    String savepoint = stopped(run, before);
    String warmed = warm(after, savepoint, NAMES);
    assertThat(counts).containsEntry("different", 0L).containsEntry("events", 3L * HALF);
    FileUtils.deleteDirectory(Path.of(URI.create(savepoint)).toFile());
    for (String view : JOINING) {
      assertThat(wrong(view)).as(view).isEmpty();
      requireServed(view);
    }
    allowed = EVENTS;
    return warmed;
  }

  private String stopped(Run run, Project project) throws Exception {
    whole();
    given = new CountDownLatch(1);
    JobClient job = declared(run, project, null).executeAsync("stream " + runs++);
    assertThat(given.await(60, TimeUnit.SECONDS)).isTrue();
    String folder = dir.resolve("savepoints").toUri().toString();
    long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (true) {
      try {
        return job.stopWithSavepoint(false, folder, SavepointFormatType.CANONICAL)
            .get(60, TimeUnit.SECONDS);
      } catch (ExecutionException e) {
        // The source may have given all before the last task was there.
        if (System.nanoTime() > endNanos
            || !String.valueOf(e.getMessage()).contains("Not all required tasks")) {
          throw e;
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
      }
    }
  }

  private String warm(Project project, String savepoint, String views) throws Exception {
    String out = dir.resolve("warm-" + runs++).toUri().toString();
    StreamExecutionEnvironment env = environment(new Run(2, "hashmap"), null);
    Map<String, ViewIdentity> identities =
        project.featureViews().stream()
            .collect(Collectors.toMap(FeatureView::name, v -> new ViewIdentity(7, v.id())));
    List<String> rest = new ArrayList<>();
    WarmRequest request =
        WarmRequest.parse(
            new String[] {"--savepoint", savepoint, "--out", out, "--views", views}, rest);
    assertThat(rest).isEmpty();
    new WarmGraph(env, target, project, RunningViews.only(project, identities)).define(request);
    counts = env.execute("warm").getAllAccumulatorResults();
    return out;
  }

  private void go(Run run, Project project, @Nullable String savepoint) throws Exception {
    whole();
    declared(run, project, savepoint).execute("stream " + runs++);
  }

  private StreamExecutionEnvironment declared(
      Run run, Project project, @Nullable String savepoint) {
    StreamExecutionEnvironment env = environment(run, savepoint);
    // What versions pin goes on beside what it was changed to.
    FeaturePipelineJob.define(
        env, project, project.equals(after) ? List.of(view("cards")) : List.of(), new Tables());
    return env;
  }

  private static StreamExecutionEnvironment environment(Run run, @Nullable String savepoint) {
    Configuration conf = new Configuration();
    conf.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    conf.set(StateBackendOptions.STATE_BACKEND, run.backend);
    // All state into files, as that of many entities would be.
    conf.set(CheckpointingOptions.FS_SMALL_FILE_THRESHOLD, MemorySize.ZERO);
    if (savepoint != null) {
      conf.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint);
    }
    return StrictEnvironment.strict(
        StreamExecutionEnvironment.createLocalEnvironment(run.parallelism, conf));
  }

  private static String place(Inbound inbound) {
    Event event = Objects.requireNonNull(inbound.event());
    return event.partition() + ":" + event.offset();
  }

  private static Inbound inbound(long index) {
    return payments.inbound((int) index);
  }

  /** Gives as many events as are allowed, and then waits. */
  private static final class Gate implements RateLimiter<NumberSequenceSource.NumberSequenceSplit> {
    private int left = allowed == EVENTS ? Integer.MAX_VALUE : allowed;

    @Override
    public CompletionStage<Void> acquire(int events) {
      if (left >= events) {
        left -= events;
        return CompletableFuture.completedFuture(null);
      }
      given.countDown();
      return new CompletableFuture<>();
    }
  }

  /** The stream's watermark follows from its events, so that two runs are alike. */
  private static final class ByPartition implements WatermarkGenerator<Inbound> {
    @Override
    public void onEvent(Inbound inbound, long timestampMillis, WatermarkOutput out) {
      long millis = payments.watermarks[Objects.requireNonNull(indexes.get(place(inbound)))];
      if (millis > Long.MIN_VALUE) {
        out.emitWatermark(new Watermark(millis));
      }
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput out) {
      // With each event.
    }
  }

  /** As {@link FeaturePipelineJob} has it: the archive and the log in Iceberg, the rest nowhere. */
  private final class Tables extends TableEnds {
    Tables() {
      super(target, "shop");
    }

    @Override
    public DataStream<Inbound> events(StreamExecutionEnvironment env, SourcePlan plan) {
      GeneratorFunction<Long, Inbound> events = WarmITCase::inbound;
      DataStream<Inbound> read =
          env.fromSource(
                  new DataGeneratorSource<>(
                      events, EVENTS, parallelism -> new Gate(), Serializers.INBOUND),
                  WatermarkStrategy.<Inbound>forGenerator(context -> new ByPartition())
                      .withTimestampAssigner(
                          (in, time) -> Objects.requireNonNull(in.event()).eventTimeMillis()),
                  "payments")
              .uid("payments")
              .setParallelism(1);
      // Each partition stays in its order.
      return read.partitionCustom(
          (Integer partition, int judges) -> partition % judges,
          (Inbound in) -> Objects.requireNonNull(in.event()).partition());
    }
  }

  private void whole() {
    Source source = after.source("payments").orElseThrow();
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      ArchiveBegin.note(
          Warehouse.ensure(
              catalog,
              Warehouse.events("shop", "payments"),
              Warehouse.eventsSchema(source),
              source.eventTime()),
          Map.of(0, 0L, 1, 0L, 2, 0L, 3, 0L));
    }
  }

  private void dropAll() {
    drop(Warehouse.events("shop", "payments"));
    after.featureViews().forEach(v -> drop(Warehouse.features("shop", v.name())));
  }

  private void drop(TableIdentifier table) {
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      assertThat(catalog.dropTable(table, true)).isTrue();
    }
  }

  /** All rows hold what their T and positions say, and there is one after each event. */
  private void requireRight() throws Exception {
    for (String view : List.of("cards", CHANGED, "tiled_cards", "lifetimes")) {
      assertThat(wrong(view)).as(view).isEmpty();
      Set<String> reached = new HashSet<>();
      long quietMillis = Long.MIN_VALUE;
      for (List<Object> row : log(view)) {
        for (String at : ((String) row.get(2)).split(",", -1)) {
          reached.add(row.get(0) + " " + at);
        }
        if (row.get(0).equals("c0")) {
          quietMillis = Math.max(quietMillis, (Long) row.get(1));
        }
      }
      // Without a further event its windows have emptied after the stop.
      assertThat(quietMillis).as(view).isGreaterThan(payments.watermarks[HALF - 1]);
      accepted(view)
          .forEach(
              (card, of) ->
                  of.forEach(
                      p ->
                          assertThat(reached)
                              .contains(card + " " + p.partition() + ":" + p.offset())));
    }
  }

  private List<List<Object>> wrong(String view) throws Exception {
    Set<List<Object>> rows = log(view);
    assertThat(rows).hasSizeGreaterThan(HALF / 2);
    return wrong(view, rows);
  }

  private static List<List<Object>> wrong(String view, Set<List<Object>> rows) {
    Map<String, List<Payments.Payment>> accepted = accepted(view);
    List<List<Object>> wrong = new ArrayList<>();
    for (List<Object> row : rows) {
      List<Payments.Payment> included =
          Payments.included(
              accepted.getOrDefault((String) row.get(0), List.of()),
              (String) row.get(2),
              (Long) row.get(1));
      if (!naive(view, included, (Long) row.get(1)).equals(row.subList(3, row.size()))) {
        wrong.add(row);
      }
    }
    return wrong;
  }

  private static Map<String, List<Payments.Payment>> accepted(String view) {
    return switch (view) {
      case "cards" -> payments.accepted(p -> p.amount() >= 0, 20 * Payments.MINUTE);
      case CHANGED -> payments.accepted(p -> p.amount() >= 20, 40 * Payments.MINUTE);
      default -> payments.accepted(p -> true, 0);
    };
  }

  private static List<Object> naive(String view, List<Payments.Payment> included, long t) {
    List<Payments.Payment> twoHours = Payments.window(included, t, 2 * Payments.HOUR);
    List<Payments.Payment> hour = Payments.window(included, t, Payments.HOUR);
    return switch (view) {
      case "cards" ->
          List.of(
              "" + Payments.window(included, t, 10 * Payments.MINUTE).size(),
              "" + hour.size(),
              Payments.lastShops(hour, 3));
      case CHANGED ->
          List.of("" + twoHours.size(), Payments.lastShops(twoHours, 3), Payments.sum(twoHours));
      case "tiled_cards" ->
          List.of(Payments.mean(Payments.tiledWindow(included, t, 6 * Payments.HOUR)));
      default ->
          List.of(
              included.isEmpty() ? "null" : included.get(included.size() - 1).shop(),
              Payments.max(twoHours));
    };
  }

  /** Entity, T, positions and features of all rows of a view's log, none of them twice. */
  private Set<List<Object>> log(String view) throws Exception {
    FeatureView of = view(view);
    Set<List<Object>> rows = new HashSet<>();
    try (JdbcCatalog catalog = Warehouse.open(target);
        CloseableIterable<Record> records =
            IcebergGenerics.read(catalog.loadTable(Warehouse.features("shop", of.name())))
                .where(Expressions.equal("_version", "7-" + of.id()))
                .build()) {
      for (Record record : records) {
        long time = ((OffsetDateTime) record.getField("_time")).toInstant().toEpochMilli();
        List<Object> row = new ArrayList<>(List.of(record.getField("entity_key"), time));
        row.add(record.getField("_source"));
        for (var feature : of.features()) {
          row.add(String.valueOf(record.getField(feature.name())));
        }
        assertThat(rows.add(row)).as("%s is in the log twice", row).isTrue();
      }
    }
    return rows;
  }

  /** Redis has the newest row that the log has of each entity, or a refresh after it. */
  private void requireServed(String view) throws Exception {
    Map<String, Long> newest = new HashMap<>();
    log(view).forEach(row -> newest.merge((String) row.get(0), (Long) row.get(1), Math::max));
    try (Jedis jedis = redis.client()) {
      for (var of : newest.entrySet()) {
        String time =
            jedis.hget(EntityKeys.redisKey("card", of.getKey(), view(view).name()), "_time");
        assertThat(Long.parseLong(time))
            .as("%s %s", view, of.getKey())
            .isGreaterThanOrEqualTo(of.getValue());
      }
    }
  }

  private FeatureView view(String name) {
    return switch (name) {
      case "cards" -> before.featureView("cards").orElseThrow();
      case CHANGED -> after.featureView("cards").orElseThrow();
      default -> after.featureView(name).orElseThrow();
    };
  }
}
