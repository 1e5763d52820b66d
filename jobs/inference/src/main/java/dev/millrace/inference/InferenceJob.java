package dev.millrace.inference;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.RunningViews;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.JobSetup;
import dev.millrace.streaming.SourcePlan;
import dev.millrace.streaming.StrictEnvironment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Turns events into predictions: for each model of a project its source, batches through ONNX with
 * features from Redis, the predictions topic; and from that topic, first of each id, to Iceberg.
 */
public final class InferenceJob {

  /** The stage on the dead letters of this job. */
  public static final String STAGE = "inference";

  private static final Duration CHECKPOINT_INTERVAL = Duration.ofSeconds(15);

  public static void main(String[] args) throws Exception {
    JobSetup setup = JobSetup.from(args, System.getenv());
    setup.refuseSecond(name(setup.project()));
    StreamExecutionEnvironment env = StrictEnvironment.create();
    if (setup.project().models().stream()
        .allMatch(m -> m.delivery() == Model.Delivery.AT_LEAST_ONCE)) {
      // Predictions do not wait for a checkpoint, only their table does; what is held in state is
      // written whole each time.
      env.enableCheckpointing(CHECKPOINT_INTERVAL.toMillis());
    }
    define(env, setup.project(), setup.running(), InferenceEnds.of(setup));
    env.execute(name(setup.project()));
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
          "Cannot start inference: project "
              + project.name()
              + " has no model; add one to models:");
    }
    DataStream<DeploymentRecord> deployments = ends.deployments(env);
    List<DataStream<DeadLetter>> letters = new ArrayList<>();
    Set<String> lettersForwarded = new HashSet<>();
    for (Model model : project.models()) {
      boolean forwards =
          !pipelineReads(project, model.source()) && lettersForwarded.add(model.source());
      ScoringPlan plan = ScoringPlan.of(project, model, running, forwards, STAGE);
      SingleOutputStreamOperator<Prediction> predictions =
          joined(env, model, plan, ends, letters)
              .connect(deployments.broadcast())
              .transform(
                  "score " + model.name(),
                  PredictionSerializer.TYPE,
                  new ScoringOperator(plan, ends.scoring()))
              .uid("score-" + model.name());
      letters.add(predictions.getSideOutput(ScoringOperator.LETTERS));
      ends.predictions(model, stamped(predictions, "predictions " + model.name()));
      ends.shadows(
          model,
          stamped(predictions.getSideOutput(ScoringOperator.SHADOWS), "shadows " + model.name()));
      ends.table(model, first(ends.served(env, model), model.name()));
      ends.shadowTable(model, first(ends.shadowed(env, model), "shadow " + model.name()));
    }
    letters.stream().reduce(DataStream::union).ifPresent(ends::letters);
  }

  /** The events as scoring takes them: with their rows where these are joined by event time. */
  private static DataStream<Joined> joined(
      StreamExecutionEnvironment env,
      Model model,
      ScoringPlan plan,
      Ends ends,
      List<DataStream<DeadLetter>> letters) {
    DataStream<Inbound> events = ends.events(env, model, plan.source());
    if (!plan.asOf()) {
      return events
          .map(Joined::unread)
          .returns(Joined.TYPE)
          .name("unread " + model.name())
          .uid("unread-" + model.name())
          // Each event is told of at once: nothing waits for a buffer to fill, and no thread wakes
          // hundreds of times a second to look for events that have not come.
          .setBufferTimeout(0);
    }
    SingleOutputStreamOperator<Joined> keyed =
        events
            .process(new KeyedEvents(plan))
            .returns(Joined.TYPE)
            .name("keyed " + model.name())
            .uid("keyed-" + model.name());
    letters.add(keyed.getSideOutput(ScoringOperator.LETTERS));
    DataStream<Joined> joined = keyed;
    for (int v = 0; v < plan.views().size(); v++) {
      ViewRead view = plan.views().get(v);
      joined =
          joined
              .connect(ends.rows(env, model, view, v))
              .keyBy(new KeyedEvents.OfView(view), EntityRow::entityKey, Types.STRING)
              .transform(
                  "as of " + view.view() + " for " + model.name(),
                  Joined.TYPE,
                  new AsOfJoin(v, plan.views().size(), view.rowLifeMillis()))
              .uid("as-of-" + v + "-" + view.view() + "-" + model.name());
    }
    return joined;
  }

  /** What comes from a topic, each once. */
  private static DataStream<RawPrediction> first(DataStream<RawPrediction> raw, String what) {
    return raw.keyBy(new RawPrediction.Bucket(), Types.INT)
        .process(new FirstOfEach())
        .returns(RawPrediction.TYPE)
        .name("first of each " + what)
        .uid("first-ids-" + what.replace(' ', '-'));
  }

  private static DataStream<StampedPrediction> stamped(
      DataStream<Prediction> predictions, String what) {
    return predictions
        .process(new StampedPrediction.Stamping())
        .returns(StampedPrediction.TYPE)
        .name("stamp " + what)
        .uid("stamp-" + what.replace(' ', '-'));
  }

  /** Whether the feature pipeline reads the source, and so writes the letters of its decoding. */
  private static boolean pipelineReads(Project project, String source) {
    return project.source(source).map(Source::archive).orElse(false)
        || project.featureViews().stream().anyMatch(v -> v.source().equals(source));
  }

  /** What the graph begins and ends with. */
  interface Ends {
    DataStream<Inbound> events(StreamExecutionEnvironment env, Model model, SourcePlan plan);

    DataStream<DeploymentRecord> deployments(StreamExecutionEnvironment env);

    ScoringEnds scoring();

    /** The rows of a view that is joined by event time, as its topic has them. */
    DataStream<EntityRow> rows(
        StreamExecutionEnvironment env, Model model, ViewRead view, int number);

    void predictions(Model model, DataStream<StampedPrediction> predictions);

    void shadows(Model model, DataStream<StampedPrediction> shadows);

    /** The predictions of a model as its topic has them. */
    DataStream<RawPrediction> served(StreamExecutionEnvironment env, Model model);

    /** The shadows of a model as their topic has them. */
    DataStream<RawPrediction> shadowed(StreamExecutionEnvironment env, Model model);

    void table(Model model, DataStream<RawPrediction> predictions);

    void shadowTable(Model model, DataStream<RawPrediction> shadows);

    void letters(DataStream<DeadLetter> letters);
  }

  private InferenceJob() {}
}
