package dev.millrace.inference;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.scoring.InputColumn;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.StrictEnvironment;
import java.io.IOException;
import java.util.List;
import java.util.OptionalLong;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * The graph of one batch run: the stream's scoring operator behind joins that read whole tables.
 *
 * <pre>
 * archive ─► of the range ─► join with view 1 ─► … ─► score ─┬─► table, or one file
 *                             ▲ the view's table             └─► letters, counted
 * </pre>
 */
final class ScoreGraph {

  private final StreamExecutionEnvironment env;
  private final ScoringPlan plan;
  private final Ends ends;

  private ScoreGraph(StreamExecutionEnvironment env, ScoringPlan plan, Ends ends) {
    this.env = env;
    this.plan = plan;
    this.ends = ends;
  }

  /** What the graph begins and ends with. */
  interface Ends {
    DataStream<Inbound> events(StreamExecutionEnvironment env, ScoringPlan plan);

    /** The rows of a view, with no timestamps. */
    DataStream<LoggedRow> rows(StreamExecutionEnvironment env, ViewRead view, int number);

    ModelLoader models();

    void predictions(DataStream<Prediction> predictions);
  }

  /**
   * Declares the whole graph and puts the environment into batch mode.
   *
   * @param streamed the plan of the stream
   * @throws IllegalArgumentException where nobody can score
   */
  static void define(
      StreamExecutionEnvironment env,
      ScoringPlan streamed,
      FrozenDeployments deployments,
      ScoreRequest request,
      Ends ends) {
    if (deployments.isEmpty() && streamed.fallback() == null) {
      throw new IllegalArgumentException(
          ("Cannot score model %s: no version of it was ever deployed and it has no fallback;"
                  + " promote one, or name one with --version")
              .formatted(streamed.model()));
    }
    StrictEnvironment.batch(env);
    new ScoreGraph(env, streamed.ofBatchRun(), ends).define(deployments, request);
  }

  private void define(FrozenDeployments deployments, ScoreRequest request) {
    SingleOutputStreamOperator<Joined> keyed =
        events(request)
            .process(new KeyedEvents(plan))
            .returns(Joined.TYPE)
            .name("keyed")
            .uid("keyed");
    SingleOutputStreamOperator<Prediction> predictions =
        joined(keyed)
            .transform(
                "score " + plan.model(),
                PredictionSerializer.TYPE,
                new BoundedScoring(plan, scoring(deployments)))
            .uid("score");
    letters(
        keyed
            .getSideOutput(ScoringOperator.LETTERS)
            .union(predictions.getSideOutput(ScoringOperator.LETTERS)));
    ends.predictions(
        predictions
            .map(new ScoreCounts.OfPredictions())
            .returns(PredictionSerializer.TYPE)
            .name("count")
            .uid("count"));
  }

  private DataStream<Inbound> events(ScoreRequest request) {
    long fromMillis = request.fromMillis();
    long toMillis = request.toMillis();
    return ends.events(env, plan)
        .filter(
            inbound ->
                inbound.event() == null
                    || (inbound.event().eventTimeMillis() >= fromMillis
                        && inbound.event().eventTimeMillis() <= toMillis))
        .name("of the range")
        .uid("of-the-range")
        // With a timestamp an event comes after all rows of its key.
        .assignTimestampsAndWatermarks(
            WatermarkStrategy.<Inbound>noWatermarks()
                .withTimestampAssigner(
                    (inbound, before) ->
                        inbound.event() == null ? toMillis : inbound.event().eventTimeMillis()))
        .name("time")
        .uid("time");
  }

  private DataStream<Joined> joined(DataStream<Joined> events) {
    DataStream<Joined> joined = events;
    for (int v = 0; v < plan.views().size(); v++) {
      ViewRead view = plan.views().get(v);
      joined =
          joined
              .keyBy(new KeyedEvents.OfView(view), Types.STRING)
              .connect(ends.rows(env, view, v).keyBy(LoggedRow::entityKey, Types.STRING))
              .process(new LoggedJoin(v, plan.views().size(), view))
              .returns(Joined.TYPE)
              .name("as of " + view.view())
              .uid("as-of-" + v);
    }
    return joined;
  }

  private ScoringEnds scoring(FrozenDeployments deployments) {
    return new ScoringEnds(
        () -> {
          throw new IllegalStateException("Cannot read the online store: a batch run joins rows");
        },
        deployments,
        Unannounced::new,
        (model, since) -> OptionalLong.empty(),
        new StrictModels(ends.models()),
        new WaitClock.OfSystem(),
        new LoaderThread());
  }

  private static void letters(DataStream<DeadLetter> letters) {
    letters
        .map(new ScoreCounts.OfLetters())
        .returns(Types.BOOLEAN)
        .name("count letters")
        .uid("count-letters")
        .sinkTo(new DiscardingSink<>())
        .name("letters")
        .uid("letters");
  }

  /** Nothing is prepared in a batch run. */
  private static final class Unannounced implements Announcements {
    @Override
    public void announce(LifecycleEntry entry) {
      throw new IllegalStateException("Cannot announce " + entry + ": a batch run prepares none");
    }

    @Override
    public void close() {}
  }

  /**
   * A version that cannot be loaded ends the run: in the stream another one answers, but whoever
   * asks for scores of the past wants those or none.
   */
  private record StrictModels(ModelLoader models) implements ModelLoader {
    private static final long serialVersionUID = 1L;

    @Override
    public Scorer load(
        String model, DeployedVersion version, List<InputColumn> inputs, Execution execution) {
      try {
        return models.load(model, version, inputs, execution);
      } catch (IOException e) {
        throw new IllegalStateException(e.getMessage(), e);
      }
    }

    @Override
    public ModelLoader on(int gpu) {
      return new StrictModels(models.on(gpu));
    }
  }
}
