package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.pipeline.training.ArchivedFields;
import dev.millrace.pipeline.training.WarehouseTables;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Computes a view's rows from the archive of its source, in batch mode, with the operator code of
 * the stream.
 *
 * <pre>
 * archive ─► by partition and offset: judged again ─► by entity and order: rows
 * </pre>
 *
 * <p>Both sorts go to disk where memory does not hold them.
 */
final class ArchiveReplay {

  private static final String PARTITION = "_partition";
  private static final String OFFSET = "_offset";
  private static final String VERDICT = "_verdict";

  /**
   * Which events are replayed.
   *
   * @param afterMillis those after this time
   * @param untilMillis and not after this one
   * @param endMillis the time that refreshes are due up to, once all events are through
   */
  record Span(long afterMillis, long untilMillis, long endMillis) {}

  /**
   * A replay up to where a running job has read.
   *
   * @param rows as {@link #rows} gives them
   * @param state of every entity, after all of it
   */
  record Warm(DataStream<FeatureRow> rows, DataStream<EntityPart> state) {}

  private final StreamExecutionEnvironment env;
  private final WarehouseTables tables;
  private final Project project;
  private final FeatureView view;
  private final Source source;
  private final SourcePlan plan;

  private ArchiveReplay(
      StreamExecutionEnvironment env,
      WarehouseTables tables,
      Project project,
      FeatureView view,
      String stage) {
    this.env = env;
    this.tables = tables;
    this.project = project;
    this.view = view;
    this.source = project.source(view.source()).orElseThrow();
    this.plan = SourcePlan.of(project, source, stage);
  }

  /** Declares the replay; the environment is in batch mode. */
  static DataStream<FeatureRow> rows(
      StreamExecutionEnvironment env,
      WarehouseTables tables,
      Project project,
      FeatureView view,
      Span span,
      ReplayOrder order,
      String stage) {
    return new ArchiveReplay(env, tables, project, view, stage).rows(span, order, null);
  }

  /**
   * Declares the replay of all that a job has read, in the order of reading; the environment is in
   * batch mode.
   *
   * @param lastOffsets by partition, the last event that the job took
   * @param endMillis the job's watermark
   */
  static Warm warm(
      StreamExecutionEnvironment env,
      WarehouseTables tables,
      Project project,
      FeatureView view,
      Map<Integer, Long> lastOffsets,
      long endMillis,
      String stage) {
    SingleOutputStreamOperator<FeatureRow> rows =
        new ArchiveReplay(env, tables, project, view, stage)
            .rows(
                new Span(Long.MIN_VALUE, Long.MAX_VALUE, endMillis), ReplayOrder.READ, lastOffsets);
    return new Warm(rows, rows.getSideOutput(ReplayFunction.STATE));
  }

  private SingleOutputStreamOperator<FeatureRow> rows(
      Span span, ReplayOrder order, @Nullable Map<Integer, Long> lastOffsets) {
    String uid = "replay-" + view.name();
    return events(span, lastOffsets, uid)
        .assignTimestampsAndWatermarks(
            WatermarkStrategy.<ArchivedEvent>noWatermarks()
                .withTimestampAssigner((archived, before) -> archived.event().offset()))
        .name("by offset")
        .uid(uid + "-by-offset")
        .keyBy(archived -> archived.event().partition(), Types.INT)
        .process(new RejudgeFunction(plan, source, view, order))
        .returns(Replayed.TYPE)
        .name("judge for " + view.name())
        .uid(uid + "-judge")
        .assignTimestampsAndWatermarks(
            WatermarkStrategy.<Replayed>noWatermarks()
                .withTimestampAssigner((replayed, before) -> replayed.orderMillis()))
        .name("in order")
        .uid(uid + "-in-order")
        .keyBy(replayed -> replayed.event().entityKey(), Types.STRING)
        .process(
            new ReplayFunction(
                view, plan, source.dedupWindow(), span.endMillis, order, lastOffsets != null))
        .returns(Serializers.FEATURE_ROW)
        .name("rows " + view.name())
        .uid(uid + "-rows");
  }

  private SingleOutputStreamOperator<ArchivedEvent> events(
      Span span, @Nullable Map<Integer, Long> lastOffsets, String uid) {
    Set<String> fields = ViewInput.fields(source, view);
    Set<String> columns = new LinkedHashSet<>(fields);
    columns.addAll(List.of(PARTITION, OFFSET, VERDICT));
    WarehouseTables.Reading reading = tables.open(Warehouse.events(project.name(), source.name()));
    return tables
        .rows(
            env,
            reading,
            columns,
            source.eventTime(),
            span.afterMillis,
            span.untilMillis,
            uid + "-archive")
        .flatMap(new Events(source, fields, reading.rowType(columns), lastOffsets))
        .returns(ArchivedEvent.TYPE)
        .name("events of " + source.name())
        .uid(uid + "-events");
  }

  /** Rows of the archive as the events that they were. */
  private static final class Events implements FlatMapFunction<RowData, ArchivedEvent> {

    private static final long serialVersionUID = 1L;

    private final ArchivedFields fields;
    private final int id;
    private final int time;
    private final int partition;
    private final int offset;
    private final int verdict;
    private final @Nullable Map<Integer, Long> lastOffsets;

    /**
     * All that is in the archive, or what a job has read of it.
     *
     * @param lastOffsets with them, what the archive says of an event does not count: it was said
     *     for the definitions that ran then, and the one that is replayed did not
     */
    Events(
        Source source, Set<String> wanted, RowType type, @Nullable Map<Integer, Long> lastOffsets) {
      this.fields = new ArchivedFields(source.name(), source.schema(), wanted, type);
      this.id = SourcePlan.field(source, source.eventId());
      this.time = SourcePlan.field(source, source.eventTime());
      this.partition = type.getFieldIndex(PARTITION);
      this.offset = type.getFieldIndex(OFFSET);
      this.verdict = type.getFieldIndex(VERDICT);
      this.lastOffsets = lastOffsets == null ? null : new HashMap<>(lastOffsets);
    }

    @Override
    public void flatMap(RowData row, Collector<ArchivedEvent> out) {
      Map<Integer, Long> last = lastOffsets;
      if (last != null && row.getLong(offset) > last.getOrDefault(row.getInt(partition), -1L)) {
        return;
      }
      var values = fields.of(row);
      if (values[time] instanceof Long millis) {
        out.collect(
            new ArchivedEvent(
                new Event(
                    row.getInt(partition),
                    row.getLong(offset),
                    millis,
                    millis,
                    String.valueOf(values[id]),
                    values,
                    null,
                    null),
                last == null ? row.getString(verdict).toString() : ArchivedEvent.OK));
      }
    }
  }
}
