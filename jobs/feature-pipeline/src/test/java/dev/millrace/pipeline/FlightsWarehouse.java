package dev.millrace.pipeline;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.pipeline.training.Knowledge;
import dev.millrace.pipeline.training.SetGraph;
import dev.millrace.pipeline.training.SetRequest;
import dev.millrace.platform.ArchiveBegin;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.platform.RunningViews;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import dev.millrace.streaming.StrictEnvironment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.FilterFunction;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.jspecify.annotations.Nullable;

/**
 * A warehouse of the flights example, and the jobs that fill it. They run in this process, so what
 * they are to read and where they are to fail is in static fields.
 */
final class FlightsWarehouse {

  private static final AtomicReference<List<Event>> INPUT = new AtomicReference<>(List.of());
  private static final AtomicLong READ = new AtomicLong();
  private static final AtomicInteger FAILURES = new AtomicInteger();
  private static final AtomicLong FAILS_AT_EVENT = new AtomicLong(Long.MAX_VALUE);
  private static final AtomicLong FAILS_AT_ROW = new AtomicLong(Long.MAX_VALUE);
  private static final int CHECKPOINTS = 12;
  private static final long LATER = Instant.parse("2002-01-01T00:00:00Z").toEpochMilli();

  private final Project project;
  private final Target target;
  private final Source source;

  FlightsWarehouse(Path dir, Project project) throws IOException {
    Files.createDirectories(dir);
    this.project = project;
    this.source = project.source("arrivals").orElseThrow();
    this.target =
        new Target(
            "127.0.0.1:1",
            "http://127.0.0.1:1",
            "127.0.0.1:1",
            "http://127.0.0.1:1",
            null,
            dir.resolve("warehouse").toUri().toString(),
            "jdbc:sqlite:" + dir.resolve("catalog.db") + "?busy_timeout=30000",
            dir.resolve("artifacts").toUri().toString());
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      Map<Integer, Long> begin = new LinkedHashMap<>();
      for (int partition = 0; partition < FlightsInput.PARTITIONS; partition++) {
        begin.put(partition, 0L);
      }
      ArchiveBegin.note(
          Warehouse.ensure(
              catalog,
              Warehouse.events(project.name(), source.name()),
              Warehouse.eventsSchema(source),
              source.eventTime()),
          begin);
      for (FeatureView view : views()) {
        var unusedTable =
            Warehouse.ensure(
                catalog,
                Warehouse.features(project.name(), view.name()),
                Warehouse.featuresSchema(view),
                "_time");
      }
    }
  }

  List<FeatureView> views() {
    return project.readersOf(source);
  }

  /**
   * Reads the input by the streaming graph.
   *
   * @param judges 1 where the partitions are to be read in step; with more, they meet as they come
   */
  void stream(FlightsInput input, int judges) throws Exception {
    run(input, judges, RateLimiterStrategy.noOp());
  }

  /**
   * The same, but the job fails twice on the way: where events come in, and behind the windows.
   * Each time it goes on from a checkpoint, of which the source waits for several in between.
   *
   * @return how many events were read again
   */
  long streamWithFailures(FlightsInput input, int judges) throws Exception {
    int size = input.events().size();
    READ.set(0);
    FAILURES.set(0);
    FAILS_AT_EVENT.set(size * 2L / 5);
    FAILS_AT_ROW.set(input.events().get(size * 3 / 4).eventTimeMillis());
    run(input, judges, RateLimiterStrategy.perCheckpoint(size / CHECKPOINTS));
    if (FAILURES.get() != 2) {
      throw new AssertionError("the job failed " + FAILURES + " times");
    }
    return READ.get() - size;
  }

  private void run(FlightsInput input, int judges, RateLimiterStrategy<?> pace) throws Exception {
    INPUT.set(input.events());
    Configuration conf = new Configuration();
    conf.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    conf.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 2);
    conf.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ZERO);
    conf.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(300));
    StreamExecutionEnvironment env = environment(conf).setParallelism(judges);
    FeaturePipelineJob.define(env, project, new Tables(input.events().size(), judges, pace));
    env.execute("stream");
  }

  /** Takes the archive of another warehouse, which is all that a backfill reads. */
  void archiveOf(FlightsWarehouse other) throws IOException {
    TableIdentifier events = Warehouse.events(project.name(), source.name());
    try (JdbcCatalog from = Warehouse.open(other.target);
        JdbcCatalog to = Warehouse.open(target);
        CloseableIterable<FileScanTask> files =
            from.loadTable(events).newScan().includeColumnStats().planFiles()) {
      AppendFiles append = to.loadTable(events).newAppend();
      files.forEach(file -> append.appendFile(file.file().copy()));
      append.commit();
    }
  }

  /** Computes a view's history from the archive. */
  Map<String, Object> backfill(FeatureView view) throws Exception {
    StreamExecutionEnvironment env = batch();
    new BackfillGraph(
            env,
            target,
            project,
            RunningViews.only(project, Map.of(view.name(), new ViewIdentity(7, view.id())))
                .current(view.name()))
        .define(new BackfillRequest(view.name(), 0, LATER, false));
    return env.execute("backfill " + view.name()).getAllAccumulatorResults();
  }

  /** Joins all features as corrected to a spine, as {@code training-set --as-corrected} does. */
  void corrected(Path spine, Path out) throws Exception {
    StreamExecutionEnvironment env = batch();
    SetRequest request =
        new SetRequest(
            null,
            spine.toString(),
            views().stream().map(view -> view.name() + ":*").toList(),
            Knowledge.CORRECTED,
            null,
            out.toString(),
            Map.of());
    SetGraph.define(env, target, project, request, ArchiveCorrections::rows);
    env.execute("training-set");
  }

  private static StreamExecutionEnvironment batch() {
    Configuration conf = new Configuration();
    conf.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    return environment(conf).setParallelism(2);
  }

  private static StreamExecutionEnvironment environment(Configuration conf) {
    return StrictEnvironment.strict(StreamExecutionEnvironment.getExecutionEnvironment(conf));
  }

  /** Takes a row of a view's log. */
  interface RowReader {
    void row(String key, long time, String positions, Map<String, @Nullable Object> features);
  }

  void log(FeatureView view, RowReader reader) throws IOException {
    List<String> features = view.features().stream().map(Feature::name).toList();
    each(
        Warehouse.features(project.name(), view.name()),
        record -> {
          Map<String, @Nullable Object> values = new LinkedHashMap<>();
          features.forEach(name -> values.put(name, record.getField(name)));
          reader.row(
              String.valueOf(record.getField("entity_key")),
              ((OffsetDateTime) record.getField("_time")).toInstant().toEpochMilli(),
              String.valueOf(record.getField("_source")),
              values);
        });
  }

  /** Each archived event's id, place and verdict. */
  Set<String> archive() throws IOException {
    Set<String> events = new HashSet<>();
    each(
        Warehouse.events(project.name(), source.name()),
        record -> {
          String event =
              "%s %s:%s %s"
                  .formatted(
                      record.getField("flight_id"),
                      record.getField("_partition"),
                      record.getField("_offset"),
                      record.getField("_verdict"));
          if (!events.add(event)) {
            throw new AssertionError("archived twice: " + event);
          }
        });
    return events;
  }

  private void each(TableIdentifier name, java.util.function.Consumer<Record> reader)
      throws IOException {
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      Table table = catalog.loadTable(name);
      try (CloseableIterable<Record> records = IcebergGenerics.read(table).build()) {
        records.forEach(reader);
      }
    }
  }

  private static void failOnce(AtomicLong due, long reached) {
    long at = due.get();
    if (reached >= at && due.compareAndSet(at, Long.MAX_VALUE)) {
      FAILURES.incrementAndGet();
      throw new IllegalStateException("a failure that the test asks for, at " + reached);
    }
  }

  private static Inbound read(Long index) {
    failOnce(FAILS_AT_EVENT, index);
    READ.incrementAndGet();
    return new Inbound(Objects.requireNonNull(INPUT.get()).get(index.intValue()), null);
  }

  /** As from Kafka: the watermark is that of the partition that is furthest behind. */
  private static final class Slowest implements WatermarkGenerator<Inbound> {
    private final long lagMillis;
    private final long[] largest = new long[FlightsInput.PARTITIONS];

    Slowest(long lagMillis) {
      this.lagMillis = lagMillis;
      Arrays.fill(largest, Long.MIN_VALUE);
    }

    @Override
    public void onEvent(Inbound inbound, long timeMillis, WatermarkOutput output) {
      int partition = Objects.requireNonNull(inbound.event()).partition();
      largest[partition] = Math.max(largest[partition], timeMillis);
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {
      long slowest = Arrays.stream(largest).min().orElseThrow();
      if (slowest > Long.MIN_VALUE) {
        output.emitWatermark(new Watermark(slowest - lagMillis - 1));
      }
    }
  }

  /** As {@link FeaturePipelineJob} has them: log and archive in Iceberg, the rest nowhere. */
  private final class Tables extends TableEnds {
    private final int size;
    private final int judges;
    private final RateLimiterStrategy<?> pace;

    Tables(int size, int judges, RateLimiterStrategy<?> pace) {
      super(target, project.name());
      this.size = size;
      this.judges = judges;
      this.pace = pace;
    }

    @Override
    public DataStream<Inbound> events(StreamExecutionEnvironment env, SourcePlan plan) {
      if (!plan.name().equals(source.name())) {
        return env.fromSequence(0, 0)
            .uid("none-of-" + plan.name())
            .<Inbound>flatMap((index, out) -> {})
            .returns(Serializers.INBOUND)
            .uid("source-" + plan.name());
      }
      long lagMillis = plan.maxOutOfOrdernessMillis();
      DataStream<Inbound> events =
          env.fromSource(
                  new DataGeneratorSource<>(
                      FlightsWarehouse::read, size, pace, Serializers.INBOUND),
                  WatermarkStrategy.<Inbound>forGenerator(context -> new Slowest(lagMillis))
                      .withTimestampAssigner(
                          (in, before) -> Objects.requireNonNull(in.event()).eventTimeMillis()),
                  plan.name())
              .uid("source-" + plan.name())
              .setParallelism(1);
      return judges == 1
          ? events
          : events.partitionCustom(
              (Integer partition, int of) -> partition % of,
              in -> Objects.requireNonNull(in.event()).partition());
    }

    @Override
    FilterFunction<FeatureRow> logged() {
      return row -> {
        failOnce(FAILS_AT_ROW, row.timeMillis());
        return row.logged();
      };
    }
  }
}
