package dev.millrace.drift;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.drift.audit.AuditOptions;
import dev.millrace.platform.RunningViews;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.JobSetup;
import dev.millrace.streaming.StrictEnvironment;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.Collector;

/**
 * Turns predictions and labels into drift and performance: for each model of a project its served
 * predictions, the scores of its shadows and its labels, joined by event id; counts and sums by
 * window, measured against the reference profile of the version.
 *
 * <p>A few of the predictions are audited besides: whether the rows that they were served from are
 * what the archive gives.
 *
 * <p>The one large shuffle is the join's; what goes on from it is added up first.
 */
public final class DriftDetectorJob {

  /** The stage on the dead letters of this job. */
  public static final String STAGE = "drift-detector";

  /** What a reader of the topics waits for. */
  private static final long CHECKPOINT_INTERVAL_MILLIS = 10_000;

  public static void main(String[] args) throws Exception {
    JobSetup setup = JobSetup.from(args, System.getenv());
    setup.refuseSecond(name(setup.project()));
    StreamExecutionEnvironment env = StrictEnvironment.create();
    env.enableCheckpointing(CHECKPOINT_INTERVAL_MILLIS);
    env.configure(stateOnDisk());
    define(
        env,
        setup.project(),
        setup.running(),
        DriftEnds.of(setup, AuditOptions.from(env.getConfiguration())));
    env.execute(name(setup.project()));
  }

  /**
   * The state has each event for a day of windows and more. On the heap it was written whole at
   * each checkpoint, which took more of a machine than scoring; on disk only what changed is.
   */
  private static Configuration stateOnDisk() {
    Configuration onDisk = new Configuration();
    onDisk.set(StateBackendOptions.STATE_BACKEND, "rocksdb");
    onDisk.set(CheckpointingOptions.INCREMENTAL_CHECKPOINTS, true);
    return onDisk;
  }

  /** The name by which a second job of the same project is found and refused. */
  public static String name(Project project) {
    return "millrace-" + project.name() + "-" + STAGE;
  }

  /** Declares the whole graph; the caller brings the ends, so that tests bring in-memory ones. */
  static void define(
      StreamExecutionEnvironment env, Project project, RunningViews running, Ends ends) {
    if (project.models().isEmpty()) {
      throw new IllegalArgumentException(
          "Cannot start the drift detector: project "
              + project.name()
              + " has no model; add one to models:");
    }
    List<DataStream<Measured>> drift = new ArrayList<>();
    List<DataStream<Measured>> performance = new ArrayList<>();
    List<DataStream<DeadLetter>> letters = new ArrayList<>();
    List<DataStream<byte[]>> sampled = new ArrayList<>();
    for (Model model : project.models()) {
      DriftPlan plan = DriftPlan.of(project, model, running, STAGE);
      References references = ends.references(plan);
      DataStream<Scored> shadows = ends.shadows(env, plan);
      DataStream<Scored> served = ends.served(env, plan);
      sampled.add(
          served
              .flatMap(DriftDetectorJob::forwardSampled)
              .returns(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
              .name("sample " + plan.model())
              .uid("sample-" + plan.model()));
      KeyedStream<Scored, String> scored =
          served
              .map(new Binning(plan, references))
              .returns(Scored.TYPE)
              .name("bin " + plan.model())
              .uid("bin-" + plan.model())
              .union(shadows)
              .keyBy(Scored::eventId, Types.STRING);
      SingleOutputStreamOperator<Matured> matured =
          scored
              .connect(labels(env, plan, ends, shadows).keyBy(Label::eventId, Types.STRING))
              .transform(
                  "join " + plan.model(), Matured.TYPE, new EventJoinOperator(new EventJoin(plan)))
              .uid("join-" + plan.model());
      letters.add(matured.getSideOutput(EventJoin.LETTERS));
      drift.add(
          matured
              .getSideOutput(EventJoin.FIRST)
              .transform("count " + plan.model(), BinCounts.TYPE, new BinCounting(plan))
              .uid("count-" + plan.model())
              .transform("drift " + plan.model(), Measured.TYPE, new DriftWindows(plan, references))
              .uid("drift-" + plan.model())
              .setParallelism(1)
              .setMaxParallelism(1));
      performance.add(
          matured
              .transform("sum " + plan.model(), WindowScores.TYPE, new ScoreSumming(plan))
              .uid("sum-" + plan.model())
              .transform(
                  "performance " + plan.model(),
                  Measured.TYPE,
                  new PerformanceWindows(plan, references))
              .uid("performance-" + plan.model())
              .setParallelism(1)
              .setMaxParallelism(1));
    }
    drift.stream().reduce(DataStream::union).ifPresent(ends::drift);
    performance.stream().reduce(DataStream::union).ifPresent(ends::performance);
    letters.stream().reduce(DataStream::union).ifPresent(ends::letters);
    sampled.stream().reduce(DataStream::union).ifPresent(ends::audits);
  }

  private static void forwardSampled(Scored scored, Collector<byte[]> out) {
    byte[] sampled = scored.sampled();
    if (sampled != null) {
      out.collect(sampled);
    }
  }

  /** The labels of a model; a stream of none, which holds no time back, where it has no label. */
  private static DataStream<Label> labels(
      StreamExecutionEnvironment env, DriftPlan plan, Ends ends, DataStream<Scored> shadows) {
    DriftPlan.Labels labels = plan.labels();
    if (labels == null) {
      return shadows
          .flatMap((Scored scored, Collector<Label> out) -> {})
          .returns(Label.TYPE)
          .name("no labels " + plan.model())
          .uid("no-labels-" + plan.model());
    }
    return ends.labels(env, plan, labels)
        .process(new LabelReading(labels))
        .returns(Label.TYPE)
        .name("labels " + plan.model())
        .uid("labels-" + plan.model());
  }

  /** What the graph begins and ends with. */
  interface Ends {
    /** The served predictions; their watermarks never run ahead of what is still to come. */
    DataStream<Scored> served(StreamExecutionEnvironment env, DriftPlan plan);

    /** The scores that nobody acted on; idle from the start, so that they hold no time back. */
    DataStream<Scored> shadows(StreamExecutionEnvironment env, DriftPlan plan);

    DataStream<Inbound> labels(
        StreamExecutionEnvironment env, DriftPlan plan, DriftPlan.Labels labels);

    References references(DriftPlan plan);

    void drift(DataStream<Measured> drift);

    void performance(DataStream<Measured> performance);

    void letters(DataStream<DeadLetter> letters);

    /**
     * Audits predictions.
     *
     * @param sampled their records as they stand on their topics
     */
    void audits(DataStream<byte[]> sampled);
  }

  private DriftDetectorJob() {}
}
