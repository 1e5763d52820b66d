package dev.millrace.inference;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.JobSetup;
import dev.millrace.streaming.SourcePlan;
import dev.millrace.streaming.StrictEnvironment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
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

  public static void main(String[] args) throws Exception {
    JobSetup setup = JobSetup.from(args, System.getenv());
    setup.refuseSecond(name(setup.project()));
    StreamExecutionEnvironment env = StrictEnvironment.create();
    define(env, setup.project(), setup.applied().views(), InferenceEnds.of(setup));
    env.execute(name(setup.project()));
  }

  /** The name by which a second job of the same project is found and refused. */
  public static String name(Project project) {
    return "millrace-" + project.name() + "-" + STAGE;
  }

  /** Declares the whole graph; the caller brings the ends, so that tests bring in-memory ones. */
  static void define(
      StreamExecutionEnvironment env,
      Project project,
      Map<String, ViewIdentity> identities,
      Ends ends) {
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
      ScoringPlan plan = ScoringPlan.of(project, model, identities, forwards, STAGE);
      SingleOutputStreamOperator<Prediction> predictions =
          ends.events(env, model, plan.source())
              .connect(deployments.broadcast())
              .transform(
                  "score " + model.name(),
                  PredictionSerializer.TYPE,
                  new ScoringOperator(plan, ends.scoring()))
              .uid("score-" + model.name());
      letters.add(predictions.getSideOutput(ScoringOperator.LETTERS));
      ends.predictions(model, predictions);
      ends.table(
          model,
          ends.served(env, model)
              .keyBy(Prediction::predictionId, Types.STRING)
              .process(new FirstOfEach())
              .returns(PredictionSerializer.TYPE)
              .name("first of each " + model.name())
              .uid("first-" + model.name()));
    }
    letters.stream().reduce(DataStream::union).ifPresent(ends::letters);
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

    void predictions(Model model, DataStream<Prediction> predictions);

    /** The predictions of a model as its topic has them. */
    DataStream<Prediction> served(StreamExecutionEnvironment env, Model model);

    void table(Model model, DataStream<Prediction> predictions);

    void letters(DataStream<DeadLetter> letters);
  }

  private InferenceJob() {}
}
