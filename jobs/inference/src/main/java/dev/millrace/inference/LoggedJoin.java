package dev.millrace.inference;

import dev.millrace.streaming.Event;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Joins events with the rows of one view as {@link AsOfJoin} does, for batch mode: there Flink
 * sorts both inputs by key, on disk where they do not fit, and within a key by timestamp. Rows have
 * none, so all of an entity's come before its first event; they are what is held in memory.
 */
final class LoggedJoin extends KeyedCoProcessFunction<String, Joined, LoggedRow, Joined> {

  /** How many events stand beyond the end of their view's log. */
  static final String UNDECIDED = "undecided";

  private static final long serialVersionUID = 1L;

  private final int view;
  private final int views;
  private final boolean own;
  private final long rowLifeMillis;

  // A key comes once, so this needs no state.
  private transient List<LoggedRow> rows;
  private transient @Nullable String entity;
  private transient @Nullable EntityLog log;
  private transient LongCounter undecided;

  /**
   * The join with one view.
   *
   * @param view index among the plan's views
   */
  @SuppressWarnings("NullAway.Init") // Flink opens a function before it is used.
  LoggedJoin(int view, int views, ViewRead read) {
    this.view = view;
    this.views = views;
    this.own = read.freshness().ownSource();
    this.rowLifeMillis = read.rowLifeMillis();
  }

  @Override
  public void open(OpenContext context) {
    rows = new ArrayList<>();
    undecided = getRuntimeContext().getLongCounter(UNDECIDED);
  }

  @Override
  public void processElement2(LoggedRow row, Context context, Collector<Joined> out) {
    begin(context.getCurrentKey());
    rows.add(row);
  }

  @Override
  public void processElement1(Joined joined, Context context, Collector<Joined> out) {
    begin(context.getCurrentKey());
    EntityLog known = log;
    if (known == null) {
      known = new EntityLog(rows, own, rowLifeMillis);
      log = known;
    }
    Event event = joined.event();
    if (event == null) {
      throw new IllegalStateException("Cannot join a dead letter: letters go around the join");
    }
    if (!known.isDecided(event)) {
      undecided.add(1L);
    }
    out.collect(joined.with(view, known.find(event), views));
  }

  private void begin(String key) {
    if (!key.equals(entity)) {
      entity = key;
      rows = new ArrayList<>();
      log = null;
    }
  }
}
