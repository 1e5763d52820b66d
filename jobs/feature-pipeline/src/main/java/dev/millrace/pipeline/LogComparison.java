package dev.millrace.pipeline;

import dev.millrace.core.row.FeatureRow;
import dev.millrace.core.row.Positions;
import dev.millrace.core.row.ValueText;
import dev.millrace.pipeline.training.LogRow;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Lets those recomputed rows through that come before all that an entity's log has, and compares
 * the others with it. The log of the stream has no holes, so what is missing is its beginning; and
 * who runs the same backfill twice finds all of it there.
 *
 * <p>In batch mode rows of the log, which have no timestamp, come before an entity's others. In
 * memory is the log of one entity. Timers: none.
 */
final class LogComparison extends KeyedCoProcessFunction<String, FeatureRow, LogRow, FeatureRow> {

  private static final long serialVersionUID = 1L;

  private record Place(long timeMillis, Positions positions) {}

  private final long epoch;
  private final LongCounter rows = new LongCounter();
  private final LongCounter appended = new LongCounter();
  private final LongCounter same = new LongCounter();
  private final LongCounter different = new LongCounter();
  private final LongCounter notLogged = new LongCounter();

  private transient ListState<LogRow> logged;
  private transient @Nullable String entity;
  private transient Map<Place, @Nullable Object[]> log;
  private transient long firstMillis;

  /**
   * A comparison with the rows of one definition.
   *
   * @param epoch under which it was applied; positions of another may be of another topic
   */
  @SuppressWarnings("NullAway.Init") // Flink opens a function before it is used.
  LogComparison(long epoch) {
    this.epoch = epoch;
  }

  @Override
  public void open(OpenContext context) {
    logged = getRuntimeContext().getListState(new ListStateDescriptor<>("logged", LogRow.TYPE));
    log = new HashMap<>();
    getRuntimeContext().addAccumulator("rows", rows);
    getRuntimeContext().addAccumulator("appended", appended);
    getRuntimeContext().addAccumulator("same", same);
    getRuntimeContext().addAccumulator("different", different);
    getRuntimeContext().addAccumulator("notLogged", notLogged);
  }

  @Override
  public void processElement2(LogRow row, Context context, Collector<FeatureRow> out)
      throws Exception {
    if (row.epoch() == epoch) {
      logged.add(row);
    }
  }

  @Override
  public void processElement1(FeatureRow row, Context context, Collector<FeatureRow> out)
      throws Exception {
    if (!context.getCurrentKey().equals(entity)) {
      readLog();
      entity = context.getCurrentKey();
    }
    rows.add(1);
    if (row.timeMillis() < firstMillis) {
      appended.add(1);
      out.collect(row);
      return;
    }
    @Nullable Object[] there = log.get(new Place(row.timeMillis(), row.positions()));
    if (there == null) {
      notLogged.add(1);
    } else if (Arrays.equals(there, asLogged(row.values()))) {
      same.add(1);
    } else {
      different.add(1);
    }
  }

  private void readLog() throws Exception {
    log.clear();
    firstMillis = Long.MAX_VALUE;
    for (LogRow row : logged.get()) {
      log.put(new Place(row.timeMillis(), row.positions()), row.values());
      firstMillis = Math.min(firstMillis, row.timeMillis());
    }
    logged.clear();
  }

  /** Lists and maps are read from the log as text. */
  private static @Nullable Object[] asLogged(@Nullable Object[] values) {
    @Nullable Object[] texts = values.clone();
    for (int i = 0; i < texts.length; i++) {
      Object value = texts[i];
      if (value instanceof List<?> || value instanceof Map<?, ?>) {
        texts[i] = ValueText.of(value);
      }
    }
    return texts;
  }
}
