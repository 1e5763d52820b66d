package dev.millrace.pipeline.training;

import java.io.IOException;
import java.io.Serializable;
import java.time.Instant;
import java.util.List;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Joins the rows of a set with one view, entity by entity.
 *
 * <p>In batch mode Flink sorts both inputs by key, on disk where they do not fit, and within a key
 * by timestamp. Rows of the log have none, so all of an entity's come before its first event; they
 * are what is held in memory.
 */
final class ViewJoin extends KeyedCoProcessFunction<String, SetRow, LogRow, SetRow> {

  private static final long serialVersionUID = 1L;

  /**
   * How a view is joined.
   *
   * @param id of the definition whose rows count
   * @param source the fields of the spine, or of the event, that name the entity
   * @param own whether the view is on the source of the events
   * @param lifeMillis how long after its T a row holds
   * @param features what is read of the view
   * @param columns where each feature's value goes
   */
  record Plan(
      String view,
      String id,
      List<String> source,
      boolean own,
      long lifeMillis,
      List<String> features,
      List<Integer> columns)
      implements Serializable {}

  private final Plan plan;
  private final Knowledge knowledge;

  private transient ListState<LogRow> rows;
  private transient @Nullable String entity;
  private transient @Nullable EntityLog log;

  @SuppressWarnings("NullAway.Init") // Flink opens a function before it is used.
  ViewJoin(Plan plan, Knowledge knowledge) {
    this.plan = plan;
    this.knowledge = knowledge;
  }

  @Override
  public void open(OpenContext context) {
    rows = getRuntimeContext().getListState(new ListStateDescriptor<>("rows", LogRow.TYPE));
  }

  @Override
  public void processElement2(LogRow row, Context context, Collector<SetRow> out) throws Exception {
    rows.add(row);
  }

  @Override
  public void processElement1(SetRow event, Context context, Collector<SetRow> out)
      throws Exception {
    EntityLog here = log;
    if (here == null || !context.getCurrentKey().equals(entity)) {
      here = new EntityLog(rows.get(), plan.own());
      log = here;
      entity = context.getCurrentKey();
      // The rows are in the log now; the end of the key would drop them anyway.
      rows.clear();
    }
    LogRow row = here.find(event, knowledge, plan.lifeMillis());
    if (row == null) {
      out.collect(event);
      return;
    }
    refuseLeak(plan, event, row);
    @Nullable Object[] values = event.values().clone();
    for (int i = 0; i < plan.columns().size(); i++) {
      values[plan.columns().get(i)] = row.values()[i];
    }
    out.collect(event.with(values));
  }

  /** The last line of defence: no rule above may let a row through that lies after its event. */
  static void refuseLeak(Plan plan, SetRow event, LogRow row) throws IOException {
    if (row.timeMillis() > event.timeMillis() || row.knownAtMillis() > event.knownUntilMillis()) {
      throw new IOException(
          ("Cannot join %s:%s of entity %s to the event at %s: its row has T %s and was known at %s,"
                  + " which is after the event; this is an error of the join, please report it")
              .formatted(
                  plan.view(),
                  String.join(",", plan.features()),
                  row.entityKey(),
                  Instant.ofEpochMilli(event.timeMillis()),
                  Instant.ofEpochMilli(row.timeMillis()),
                  Instant.ofEpochMilli(row.knownAtMillis())));
    }
  }
}
