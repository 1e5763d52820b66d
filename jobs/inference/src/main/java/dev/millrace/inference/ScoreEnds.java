package dev.millrace.inference;

import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.IcebergEnds;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.KafkaEnds;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.WarehouseTables;
import java.util.Set;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.iceberg.Schema;
import org.apache.iceberg.flink.FlinkSchemaUtil;

/** The real ends of a batch run: the warehouse, and for events the topic where it is asked for. */
final class ScoreEnds implements ScoreGraph.Ends {

  private final Project project;
  private final Target target;
  private final ScoreRequest request;
  private final WarehouseTables tables;

  /**
   * Ends of one run.
   *
   * @param tables stay the caller's, who closes them
   */
  ScoreEnds(Project project, Target target, ScoreRequest request, WarehouseTables tables) {
    this.project = project;
    this.target = target;
    this.request = request;
    this.tables = tables;
  }

  @Override
  public DataStream<Inbound> events(StreamExecutionEnvironment env, ScoringPlan plan) {
    Source source = project.source(plan.source().name()).orElseThrow();
    if (request.fromTopic()) {
      return env.fromSource(
              KafkaEnds.keptEvents(
                  target, plan.source(), "millrace-" + project.name() + "-score-" + plan.model()),
              WatermarkStrategy.noWatermarks(),
              source.topic())
          .uid("events");
    }
    ArchivedEvents.require(source, plan.model());
    // Before the tables of rows are opened: so these are not behind it.
    WarehouseTables.Reading reading = tables.open(Warehouse.events(project.name(), source.name()));
    Set<String> columns = ArchivedEvents.columns(plan);
    return tables
        .rows(
            env,
            reading,
            columns,
            source.eventTime(),
            request.fromMillis() == Long.MIN_VALUE ? Long.MIN_VALUE : request.fromMillis() - 1,
            request.toMillis(),
            "archive")
        .flatMap(new ArchivedEvents(plan, reading.rowType(columns)))
        .returns(Serializers.INBOUND)
        .name("events of " + source.name())
        .uid("events");
  }

  @Override
  public DataStream<LoggedRow> rows(StreamExecutionEnvironment env, ViewRead view, int number) {
    WarehouseTables.Reading reading = tables.open(Warehouse.features(project.name(), view.view()));
    Set<String> columns = LoggedRows.columns(view);
    // A row that covers an event out of order may have a later T.
    long beyondMillis =
        view.freshness().ownSource() ? view.freshness().maxOutOfOrdernessMillis() : 0;
    return tables
        .rows(
            env,
            reading,
            columns,
            "_time",
            request.fromMillis() - view.rowLifeMillis() - 1,
            request.toMillis() + beyondMillis,
            "log-" + number)
        .flatMap(new LoggedRows(view, reading.rowType(columns)))
        .returns(LoggedRow.TYPE)
        .name("rows of " + view.view())
        .uid("rows-" + number);
  }

  @Override
  public ModelLoader models() {
    return OnnxModels.of(System.getenv());
  }

  @Override
  public void predictions(DataStream<Prediction> predictions) {
    Schema schema = Warehouse.scoresSchema();
    String out = request.out();
    if (out == null) {
      IcebergEnds.append(
          predictions,
          target,
          Warehouse.scores(project.name(), request.model()),
          schema,
          // A day's file for each of a year's days would be open at once.
          null,
          new ScoreRows(request.run()),
          "scores",
          Math.max(1, predictions.getExecutionEnvironment().getParallelism()));
      return;
    }
    predictions
        .map(new ScoreRows(request.run()))
        .returns(InternalTypeInfo.of(FlinkSchemaUtil.convert(schema)))
        .name("rows")
        .uid("scored-rows")
        .transform("write " + out, Types.VOID, new ScoreFile(out, schema))
        .uid("write")
        .setParallelism(1)
        .setMaxParallelism(1);
  }
}
