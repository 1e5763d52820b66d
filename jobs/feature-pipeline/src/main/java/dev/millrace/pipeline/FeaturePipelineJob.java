package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.platform.RunningViews;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.JobSetup;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import dev.millrace.streaming.StrictEnvironment;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Turns the events of a project's sources into feature rows: Kafka or batches, judge, keyed
 * windows, then Redis, the features topic and Iceberg; every archived source also goes to Iceberg
 * as it was read. Rows of a view are the events of the views over it.
 *
 * <p>The one shuffle is between the judge and the windows, by entity; rows of rows have one more,
 * which brings them into order.
 */
public final class FeaturePipelineJob {

  /** The stage on the dead letters of this job. */
  public static final String STAGE = "feature-pipeline";

  /** On the way from an event to its row each record is told of at once. */
  private static final long AT_ONCE = 0;

  public static void main(String[] args) throws Exception {
    JobSetup setup = JobSetup.from(args, System.getenv());
    setup.refuseSecond(name(setup.project()));
    StreamExecutionEnvironment env = StrictEnvironment.create();
    PipelineEnds ends = PipelineEnds.of(setup);
    define(
        env,
        setup.project(),
        setup.running().kept().stream().map(RunningViews.Running::view).toList(),
        ends);
    env.execute(name(setup.project()));
  }

  /** The name by which a second job of the same project is found and refused. */
  public static String name(Project project) {
    return "millrace-" + project.name() + "-" + STAGE;
  }

  /** Under which uid savepoints hold how far a source was read. */
  static String judgeUid(Source source) {
    return "judge-" + source.name();
  }

  /** Under which uid savepoints hold the state of a view's entities. */
  static String rowsUid(FeatureView view) {
    return "rows-" + view.name() + "-" + view.id();
  }

  /** Declares the whole graph; the caller brings the ends, so that tests bring in-memory ones. */
  static void define(StreamExecutionEnvironment env, Project project, Ends ends) {
    define(env, project, List.of(), ends);
  }

  /**
   * The same with definitions of views that are computed beside the project's own.
   *
   * @param kept what versions of models pin of earlier revisions; over sources of the project
   */
  static void define(
      StreamExecutionEnvironment env, Project project, List<FeatureView> kept, Ends ends) {
    Graph graph = new Graph(project, kept, ends, new ArrayList<>());
    for (Source source : project.sources()) {
      if (source.archive() || !graph.readers(source).isEmpty()) {
        SourcePlan plan = SourcePlan.of(project, source, STAGE);
        graph.add(source, plan, ends.events(env, plan));
      }
    }
    graph.letters.stream().reduce(DataStream::union).ifPresent(ends::letters);
  }

  /** What {@link #define} has declared so far. */
  private record Graph(
      Project project, List<FeatureView> kept, Ends ends, List<DataStream<DeadLetter>> letters) {

    List<FeatureView> readers(Source source) {
      return Stream.concat(
              project.readersOf(source).stream(),
              kept.stream().filter(v -> v.source().equals(source.name())))
          .toList();
    }

    /** Everything behind one source, or behind the rows of one view. */
    void add(Source source, SourcePlan plan, DataStream<Inbound> events) {
      List<FeatureView> views = readers(source);
      SingleOutputStreamOperator<ArchivedEvent> judged =
          events
              .process(new JudgeFunction(plan, source, views))
              .returns(ArchivedEvent.TYPE)
              .name("judge " + source.name())
              .uid(judgeUid(source))
              .setBufferTimeout(AT_ONCE);
      if (source.batch() != null) {
        // Its one reader hands rows on in order, and they must be judged in it.
        judged.setParallelism(1);
      }
      letters.add(judged.getSideOutput(JudgeFunction.LETTERS));
      if (source.archive()) {
        ends.archive(source, judged);
      }
      for (FeatureView view : views) {
        DataStream<ViewEvent> taken = judged.getSideOutput(JudgeFunction.events(view));
        add(view, source, plan, source.kind() == Source.Kind.VIEW ? ordered(taken, view) : taken);
      }
    }

    private void add(
        FeatureView view, Source source, SourcePlan plan, DataStream<ViewEvent> events) {
      Source own = project.source(view.name()).orElse(source);
      boolean isRead =
          !kept.contains(view)
              && own.kind() == Source.Kind.VIEW
              && !project.readersOf(own).isEmpty();
      SourcePlan ownPlan = isRead ? SourcePlan.of(project, own, STAGE) : plan;
      SingleOutputStreamOperator<FeatureRow> rows =
          events
              .keyBy(ViewEvent::entityKey, Types.STRING)
              .process(
                  new RowFunction(
                      view,
                      plan,
                      source.dedupWindow(),
                      isRead ? RowEvents.of(view, ownPlan) : null))
              .returns(Serializers.FEATURE_ROW)
              .name("rows " + view.name())
              .uid(rowsUid(view));
      letters.add(rows.getSideOutput(RowFunction.LETTERS));
      ends.rows(view, rows);
      if (isRead) {
        add(own, ownPlan, rows.getSideOutput(RowFunction.EVENTS));
      }
    }

    private static DataStream<ViewEvent> ordered(DataStream<ViewEvent> events, FeatureView view) {
      return events
          .keyBy(ViewEvent::entityKey, Types.STRING)
          .process(new RowOrder(view.ttl()))
          .returns(ViewEvent.TYPE)
          .name("order " + view.name())
          .uid("order-" + view.name() + "-" + view.id())
          .setBufferTimeout(AT_ONCE);
    }
  }

  /** What the graph begins and ends with. */
  interface Ends {
    DataStream<Inbound> events(StreamExecutionEnvironment env, SourcePlan plan);

    void rows(FeatureView view, DataStream<FeatureRow> rows);

    void archive(Source source, DataStream<ArchivedEvent> events);

    void letters(DataStream<DeadLetter> letters);
  }

  private FeaturePipelineJob() {}
}
