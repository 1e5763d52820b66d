package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.ArchivedFields;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import dev.millrace.streaming.WarehouseTables;
import java.util.ArrayList;
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
 * the stream. For a view over a view, that view first.
 *
 * <pre>
 * archive ─► by partition and offset: judged again ─► by entity and order: rows
 *                                                                            └─► by entity and T: rows of rows
 * </pre>
 *
 * <p>All sorts go to disk where memory does not hold them.
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
  private final Span span;
  private final ReplayOrder order;
  private final String stage;
  private final @Nullable Map<Integer, Long> lastOffsets;

  private ArchiveReplay(
      StreamExecutionEnvironment env,
      WarehouseTables tables,
      Project project,
      Span span,
      ReplayOrder order,
      String stage,
      @Nullable Map<Integer, Long> lastOffsets) {
    this.env = env;
    this.tables = tables;
    this.project = project;
    this.span = span;
    this.order = order;
    this.stage = stage;
    this.lastOffsets = lastOffsets;
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
    return new ArchiveReplay(env, tables, project, span, order, stage, null).rows(view, null);
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
        new ArchiveReplay(
                env,
                tables,
                project,
                new Span(Long.MIN_VALUE, Long.MAX_VALUE, endMillis),
                ReplayOrder.READ,
                stage,
                lastOffsets)
            .rows(view, null);
    return new Warm(rows, rows.getSideOutput(ReplayFunction.STATE));
  }

  /**
   * The views from the one that is asked for to the one that reads the archived source.
   *
   * @throws IllegalStateException where what one of them takes depends on the run
   */
  static List<FeatureView> chain(Project project, FeatureView view) {
    List<FeatureView> chain = new ArrayList<>(List.of(view));
    FeatureView at = view;
    while (project.source(at.source()).orElseThrow().kind() == Source.Kind.VIEW) {
      at = project.featureView(at.source()).orElseThrow();
      chain.add(at);
    }
    if (chain.size() > 1 && !at.allowedLateness().isZero()) {
      throw new IllegalStateException(
          "Cannot compute view %s: view %s below it has allowed-lateness, and where its late rows stand among the others is known to the stream alone; leave allowed-lateness out, or raise max-out-of-orderness instead"
              .formatted(view.name(), at.name()));
    }
    return chain;
  }

  /**
   * The rows of one view of the chain.
   *
   * @param read what the next one reads of them; null for the one that is asked for
   */
  private SingleOutputStreamOperator<FeatureRow> rows(FeatureView view, @Nullable RowEvents read) {
    Source source = project.source(view.source()).orElseThrow();
    SourcePlan plan = SourcePlan.of(project, source, stage);
    String uid = "replay-" + view.name();
    SingleOutputStreamOperator<Replayed> events =
        source.kind() == Source.Kind.VIEW
            ? ofRows(view, source, plan, uid)
            : ofArchive(view, source, plan, uid);
    return events
        .assignTimestampsAndWatermarks(
            WatermarkStrategy.<Replayed>noWatermarks()
                .withTimestampAssigner((replayed, before) -> replayed.orderMillis()))
        .name("in order")
        .uid(uid + "-in-order")
        .keyBy(replayed -> replayed.event().entityKey(), Types.STRING)
        .process(
            new ReplayFunction(
                new ViewRows(view, plan, source.dedupWindow()),
                source.kind() == Source.Kind.VIEW,
                span.endMillis,
                order,
                read,
                lastOffsets != null))
        .returns(Serializers.FEATURE_ROW)
        .name("rows " + view.name())
        .uid(uid + "-rows");
  }

  private SingleOutputStreamOperator<Replayed> ofArchive(
      FeatureView view, Source source, SourcePlan plan, String uid) {
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
        .uid(uid + "-events")
        .assignTimestampsAndWatermarks(
            WatermarkStrategy.<ArchivedEvent>noWatermarks()
                .withTimestampAssigner((archived, before) -> archived.event().offset()))
        .name("by offset")
        .uid(uid + "-by-offset")
        .keyBy(archived -> archived.event().partition(), Types.INT)
        .process(new RejudgeFunction(plan, source, view, order))
        .returns(Replayed.TYPE)
        .name("judge for " + view.name())
        .uid(uid + "-judge");
  }

  private SingleOutputStreamOperator<Replayed> ofRows(
      FeatureView view, Source source, SourcePlan plan, String uid) {
    FeatureView below = project.featureView(view.source()).orElseThrow();
    return rows(below, RowEvents.of(below, plan))
        .getSideOutput(RowFunction.EVENTS)
        .flatMap(new RowInput(plan, source, view, span.endMillis))
        .returns(Replayed.TYPE)
        .name("rows of " + source.name() + " for " + view.name())
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
