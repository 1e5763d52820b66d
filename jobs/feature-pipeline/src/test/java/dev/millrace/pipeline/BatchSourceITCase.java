package dev.millrace.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.core.row.Positions;
import dev.millrace.pipeline.batch.BatchSource;
import dev.millrace.pipeline.batch.Orders;
import dev.millrace.pipeline.batch.Orders.Order;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import dev.millrace.streaming.StrictEnvironment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Batches that come while the job runs, while it is stopped, and before it began. */
class BatchSourceITCase {

  @RegisterExtension
  private static final MiniClusterExtension FLINK =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(2)
              .build());

  /** What leaves the graph, which runs in this process. */
  private static final BlockingQueue<FeatureRow> ROWS = new LinkedBlockingQueue<>();

  private static final BlockingQueue<DeadLetter> LETTERS = new LinkedBlockingQueue<>();

  @TempDir private Path folder = Path.of("");
  private final Random random = new Random(5);
  private final List<FeatureRow> rows = new ArrayList<>();
  private final List<List<Order>> deliveries = new ArrayList<>();

  @BeforeEach
  void forget() {
    ROWS.clear();
    LETTERS.clear();
  }

  @Test
  void filesAreReadOnceAsTheyCome() throws Exception {
    Path files = Files.createDirectories(folder.resolve("in"));
    Project project = Orders.project("kind: parquet\n    path: " + files + "\n    every: 100ms");
    List<Order> first = orders("a", 0);
    // Two files whose times lie between each other are one delivery.
    Orders.write(files.resolve("a2.parquet"), first.subList(100, 200), Orders.START * 2);
    Orders.write(files.resolve("a1.parquet"), first.subList(0, 100), Orders.START * 2);
    deliveries.add(first);

    JobClient job = start(project, null);
    await(200);
    deliver(files, "b", 300);
    await(400);
    Files.writeString(files.resolve("broken.parquet"), "no Parquet");
    assertThat(Objects.requireNonNull(LETTERS.poll(60, TimeUnit.SECONDS)).message())
        .contains("broken.parquet");
    String savepoint = stop(job);
    deliver(files, "c", 600);
    job = start(project, savepoint);
    await(600);
    deliver(files, "d", 900);
    await(800);
    stop(job);

    assertAllOnce();
  }

  @Test
  void snapshotsAreReadOnceAsTheyCome() throws Exception {
    Project project = Orders.project("kind: iceberg\n    table: lake.orders\n    every: 100ms");
    try (JdbcCatalog catalog = Warehouse.open(target())) {
      catalog.createNamespace(Namespace.of("lake"));
      Table table = Orders.table(catalog, TableIdentifier.of("lake", "orders"));
      List<Order> first = orders("a", 0);
      Orders.append(table, "a1", first.subList(0, 100));
      Orders.append(table, "a2", first.subList(100, 200));
      deliveries.add(first);

      JobClient job = start(project, null);
      await(200);
      append(table, "b", 300);
      await(400);
      String savepoint = stop(job);
      append(table, "c", 600);
      job = start(project, savepoint);
      await(600);
      append(table, "d", 900);
      await(800);
      stop(job);
    }

    assertAllOnce();
  }

  private void assertAllOnce() {
    assertThat(ROWS.stream().filter(r -> !r.refresh())).isEmpty();
    assertThat(LETTERS).isEmpty();
    Map<String, List<String>> found = new TreeMap<>();
    Map<String, Positions> last = new HashMap<>();
    for (FeatureRow row : rows) {
      found
          .computeIfAbsent(row.entityKey(), k -> new ArrayList<>())
          .add(
              row.timeMillis()
                  + " "
                  + row.values()[0]
                  + " "
                  + row.values()[1]
                  + " "
                  + row.values()[2]);
      Positions before = last.put(row.entityKey(), row.positions());
      assertThat(row.positions().size()).isEqualTo(1);
      assertThat(before == null || row.positions().offset(0) > before.offset(0)).isTrue();
    }
    assertThat(found).isEqualTo(Orders.rows(deliveries));
  }

  private List<Order> orders(String prefix, long fromMinute) {
    return Orders.random(random, prefix, fromMinute, 200);
  }

  private void deliver(Path files, String name, long fromMinute) throws Exception {
    List<Order> orders = orders(name, fromMinute);
    Orders.write(files.resolve(name + ".parquet"), orders, Orders.START * 2);
    deliveries.add(orders);
  }

  private void append(Table table, String name, long fromMinute) throws Exception {
    List<Order> orders = orders(name, fromMinute);
    Orders.append(table, name, orders);
    deliveries.add(orders);
  }

  /** Waits until so many rows that events caused are there. */
  private void await(int count) throws InterruptedException {
    while (rows.size() < count) {
      FeatureRow row = ROWS.poll(60, TimeUnit.SECONDS);
      assertThat(row).as("row " + rows.size()).isNotNull();
      if (!Objects.requireNonNull(row).refresh()) {
        rows.add(row);
      }
    }
  }

  private JobClient start(Project project, @Nullable String savepoint) throws Exception {
    StreamExecutionEnvironment env = StrictEnvironment.create();
    env.setParallelism(2);
    if (savepoint != null) {
      env.configure(new Configuration().set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint));
    }
    FeaturePipelineJob.define(env, project, new Queues(project, target()));
    return env.executeAsync();
  }

  private String stop(JobClient job) throws Exception {
    return job.stopWithSavepoint(
            false,
            Files.createDirectories(folder.resolve("savepoints")).toUri().toString(),
            SavepointFormatType.CANONICAL)
        .get();
  }

  private Target target() {
    return Orders.target(folder);
  }

  /** The batch source itself, and queues behind it. */
  private record Queues(Project project, Target target) implements FeaturePipelineJob.Ends {

    @Override
    public DataStream<Inbound> events(StreamExecutionEnvironment env, SourcePlan plan) {
      return BatchSource.stream(env, project.source(plan.name()).orElseThrow(), plan, target);
    }

    @Override
    public void rows(FeatureView view, DataStream<FeatureRow> rows) {
      rows.map(
              row -> {
                ROWS.add(row);
                return row;
              })
          .returns(Serializers.FEATURE_ROW)
          .uid("rows-out")
          .sinkTo(new DiscardingSink<>())
          .uid("rows-end");
    }

    @Override
    public void archive(Source source, DataStream<ArchivedEvent> events) {
      throw new AssertionError("a batch source is its own archive");
    }

    @Override
    public void letters(DataStream<DeadLetter> letters) {
      letters
          .map(
              letter -> {
                LETTERS.add(letter);
                return letter;
              })
          .returns(Serializers.DEAD_LETTER)
          .uid("letters-out")
          .sinkTo(new DiscardingSink<>())
          .uid("letters-end");
    }
  }
}
