package dev.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.bench.peers.FlinkSql;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.pipeline.MeasuredView;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.CloseableIterator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is compared in speed must compute the same. */
class SameValuesTest {

  private static final long EVENTS = 2_000;

  /** Ten events of a key at each millisecond now and then: rows of one time share their frame. */
  private static final Workload WORKLOAD = new Workload(7, 20_000, 0, 0, 1);

  private static final ViewSpec SPEC =
      new ViewSpec(List.of("count", "sum", "mean", "max"), List.of("5s", "40s"), "exact");

  @TempDir private Path folder = Path.of("");

  @Test
  void ofFlinkSqlAndOfTheView() throws Exception {
    Map<String, List<@Nullable Object>> ours = view();
    Map<String, List<@Nullable Object>> sql = sql();
    assertThat(ours).hasSizeGreaterThan(1_000).isEqualTo(sql);
  }

  /** The last row of each key and time. */
  private Map<String, List<@Nullable Object>> view() throws Exception {
    StreamExecutionEnvironment env = environment();
    Map<String, List<@Nullable Object>> last = new TreeMap<>();
    try (CloseableIterator<FeatureRow> rows =
        MeasuredView.rows(OperatorRun.numbers(env, WORKLOAD, EVENTS), WORKLOAD, SPEC.project())
            .executeAndCollect()) {
      while (rows.hasNext()) {
        FeatureRow row = rows.next();
        if (!row.refresh()) {
          // Features stand by function, then by window.
          last.put(row.entityKey() + "@" + row.timeMillis(), byWindow(row.values()));
        }
      }
    }
    return last;
  }

  private static List<@Nullable Object> byWindow(@Nullable Object[] values) {
    List<@Nullable Object> sorted = new ArrayList<>();
    int windows = SPEC.windows().size();
    for (int w = 0; w < windows; w++) {
      for (int f = 0; f < SPEC.functions().size(); f++) {
        sorted.add(values[f * windows + w]);
      }
    }
    return sorted;
  }

  private Map<String, List<@Nullable Object>> sql() throws Exception {
    StreamExecutionEnvironment env = environment();
    Map<String, List<@Nullable Object>> last = new TreeMap<>();
    int functions = SPEC.functions().size();
    try (CloseableIterator<RowData> rows =
        FlinkSql.rows(env, OperatorRun.numbers(env, WORKLOAD, EVENTS), WORKLOAD, SPEC)
            .executeAndCollect()) {
      while (rows.hasNext()) {
        RowData row = rows.next();
        @Nullable Object[] values = new Object[functions * SPEC.windows().size()];
        for (int i = 0; i < values.length; i++) {
          values[i] =
              FlinkSql.value(row, 2 + i, SPEC.functions().get(i % functions).equals("count"));
        }
        last.put(
            row.getString(0) + "@" + row.getTimestamp(1, 3).getMillisecond(),
            Arrays.asList(values));
      }
    }
    return last;
  }

  private StreamExecutionEnvironment environment() {
    return OperatorRun.environment("hashmap", WORKLOAD, folder);
  }
}
