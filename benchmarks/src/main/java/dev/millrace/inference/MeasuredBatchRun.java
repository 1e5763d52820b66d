package dev.millrace.inference;

import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.platform.RunningViews;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.scoring.InputColumn;
import dev.millrace.streaming.IcebergEnds;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.StrictEnvironment;
import dev.millrace.streaming.WarehouseTables;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;

/**
 * The graph of a batch run between the ends that {@code ScoreJob} gives it: an archive of events
 * whose fields are the model's inputs, and the table of scores.
 */
public final class MeasuredBatchRun {

  private static final long START_MILLIS = 1_700_006_400_000L;
  private static final int DAYS = 4;
  private static final double LARGEST = 500;

  /** When the last task had its model: from then on events are read. */
  private static final AtomicLong READY_NANOS = new AtomicLong();

  private final Project project;
  private final Source source;
  private final Model model;
  private final Target target;

  /**
   * What a run took.
   *
   * @param startSeconds until every task had its model
   * @param seconds from then on, until the table had the rows
   */
  public record Taken(long rows, double startSeconds, double seconds) {}

  /** Tables below a folder. */
  public MeasuredBatchRun(Path folder, List<String> fields) throws Exception {
    project = Definitions.read(MeasuredScoring.files(fields, 1, true));
    source = project.sources().get(0);
    model = project.models().get(0);
    target =
        new Target(
            "localhost:1",
            "http://localhost:1",
            "localhost:1",
            "http://localhost:1",
            null,
            folder.resolve("warehouse").toUri().toString(),
            "jdbc:sqlite:" + folder.resolve("catalog.db"),
            folder.resolve("artifacts").toUri().toString());
  }

  /** Archives as many events, of four days, as the pipeline's own sink does it. */
  public void fill(StreamExecutionEnvironment env, long events, int fields) throws Exception {
    StrictEnvironment.batch(StrictEnvironment.strict(env));
    IcebergEnds.append(
        env.fromSource(
                new NumberSequenceSource(0, events - 1),
                WatermarkStrategy.noWatermarks(),
                "numbers")
            .uid("numbers"),
        target,
        Warehouse.events(project.name(), source.name()),
        Warehouse.eventsSchema(source),
        source.eventTime(),
        new ToRow(Duration.ofDays(DAYS).toMillis() / (double) events, fields),
        "archive",
        env.getParallelism());
    JobExecutionResult unused = env.execute("fill");
  }

  /** Scores them all with one version; the rows are appended. */
  public Taken score(StreamExecutionEnvironment env, Path onnx, String sha256, String run)
      throws Exception {
    StrictEnvironment.strict(env);
    ScoringPlan plan =
        ScoringPlan.of(project, model, RunningViews.only(project, Map.of()), true, "bench");
    ScoreRequest request =
        new ScoreRequest(
            model.name(),
            START_MILLIS,
            START_MILLIS + Duration.ofDays(DAYS).toMillis(),
            1,
            false,
            null,
            run);
    DeployedVersion version =
        new DeployedVersion(1, onnx.toUri().toString(), sha256, null, null, Map.of());
    long beganNanos = System.nanoTime();
    try (WarehouseTables tables = WarehouseTables.newest(target)) {
      ScoreGraph.define(
          env,
          plan,
          FrozenDeployments.only(model.name(), version, run),
          request,
          new Timed(new ScoreEnds(project, target, request, tables)));
    }
    JobExecutionResult result = env.execute("score");
    long endedNanos = System.nanoTime();
    Long rows = result.getAccumulatorResult(ScoreCounts.ROWS);
    return new Taken(
        rows == null ? 0 : rows,
        (READY_NANOS.get() - beganNanos) / 1e9,
        (endedNanos - READY_NANOS.get()) / 1e9);
  }

  /** Notes when models are loaded; nothing else is other than in a real run. */
  private record Timed(ScoreGraph.Ends ends) implements ScoreGraph.Ends {
    @Override
    public DataStream<Inbound> events(StreamExecutionEnvironment env, ScoringPlan plan) {
      return ends.events(env, plan);
    }

    @Override
    public DataStream<LoggedRow> rows(StreamExecutionEnvironment env, ViewRead view, int number) {
      return ends.rows(env, view, number);
    }

    @Override
    public ModelLoader models() {
      return new TimedLoader(ends.models());
    }

    @Override
    public void predictions(DataStream<Prediction> predictions) {
      ends.predictions(predictions);
    }
  }

  private record TimedLoader(ModelLoader models) implements ModelLoader {
    private static final long serialVersionUID = 1L;

    @Override
    public Scorer load(
        String model, DeployedVersion version, List<InputColumn> inputs, Execution execution)
        throws java.io.IOException {
      Scorer scorer = models.load(model, version, inputs, execution);
      READY_NANOS.set(System.nanoTime());
      return scorer;
    }

    @Override
    public ModelLoader on(int gpu) {
      return new TimedLoader(models.on(gpu));
    }
  }

  /** Events of a number each: values at random, of which a file can save nothing. */
  private record ToRow(double millisEach, int fields) implements MapFunction<Long, RowData> {
    private static final long serialVersionUID = 1L;

    @Override
    public RowData map(Long number) {
      SplittableRandom random = new SplittableRandom(number);
      GenericRowData row = new GenericRowData(2 + fields + 3);
      row.setField(0, StringData.fromString("event-" + number));
      row.setField(1, TimestampData.fromEpochMillis(START_MILLIS + (long) (number * millisEach)));
      for (int f = 0; f < fields; f++) {
        row.setField(2 + f, random.nextDouble(LARGEST));
      }
      row.setField(2 + fields, (int) (number % 4));
      row.setField(3 + fields, number / 4);
      row.setField(4 + fields, StringData.fromString("OK"));
      return row;
    }
  }
}
