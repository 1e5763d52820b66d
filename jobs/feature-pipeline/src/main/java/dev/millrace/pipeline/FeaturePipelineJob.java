package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.JobSetup;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import dev.millrace.streaming.StrictEnvironment;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Turns the events of a project's sources into feature rows: Kafka, judge, keyed windows, then
 * Redis, the features topic and Iceberg; every archived source also goes to Iceberg as it was read.
 *
 * <p>The one shuffle is between the judge and the windows, by entity.
 */
public final class FeaturePipelineJob {

  /** The stage on the dead letters of this job. */
  public static final String STAGE = "feature-pipeline";

  private static final long ROW_BUFFER_MILLIS = 5;

  public static void main(String[] args) throws Exception {
    JobSetup setup = JobSetup.from(args, System.getenv());
    setup.refuseSecond(name(setup.project()));
    StreamExecutionEnvironment env = StrictEnvironment.create();
    PipelineEnds ends = PipelineEnds.of(setup);
    define(env, setup.project(), ends);
    env.execute(name(setup.project()));
  }

  /** The name by which a second job of the same project is found and refused. */
  public static String name(Project project) {
    return "millrace-" + project.name() + "-" + STAGE;
  }

  /** Declares the whole graph; the caller brings the ends, so that tests bring in-memory ones. */
  static void define(StreamExecutionEnvironment env, Project project, Ends ends) {
    List<DataStream<DeadLetter>> letters = new ArrayList<>();
    for (Source source : project.sources()) {
      List<FeatureView> views =
          project.featureViews().stream().filter(v -> v.source().equals(source.name())).toList();
      if (views.isEmpty() && !source.archive()) {
        continue;
      }
      SourcePlan plan = SourcePlan.of(project, source, STAGE);
      SingleOutputStreamOperator<ArchivedEvent> judged =
          ends.events(env, plan)
              .process(new JudgeFunction(plan, source, views))
              .returns(ArchivedEvent.TYPE)
              .name("judge " + source.name())
              .uid("judge-" + source.name())
              // On the way from an event to its row in Redis nothing waits for a buffer to fill.
              .setBufferTimeout(ROW_BUFFER_MILLIS);
      letters.add(judged.getSideOutput(JudgeFunction.LETTERS));
      if (source.archive()) {
        ends.archive(source, judged);
      }
      for (FeatureView view : views) {
        SingleOutputStreamOperator<FeatureRow> rows = rows(judged, view, plan, source);
        letters.add(rows.getSideOutput(RowFunction.LETTERS));
        ends.rows(view, rows);
      }
    }
    letters.stream().reduce(DataStream::union).ifPresent(ends::letters);
  }

  private static SingleOutputStreamOperator<FeatureRow> rows(
      SingleOutputStreamOperator<ArchivedEvent> judged,
      FeatureView view,
      SourcePlan plan,
      Source source) {
    return judged
        .getSideOutput(JudgeFunction.events(view))
        .keyBy(ViewEvent::entityKey, Types.STRING)
        .process(new RowFunction(view, plan, source.dedupWindow()))
        .returns(Serializers.FEATURE_ROW)
        .name("rows " + view.name())
        .uid("rows-" + view.name() + "-" + view.id());
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
