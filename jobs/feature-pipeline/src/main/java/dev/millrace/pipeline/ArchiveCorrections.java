package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.core.row.ValueText;
import dev.millrace.pipeline.training.LogRow;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.WarehouseTables;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/**
 * Corrected rows by a replay of the archive in the order of event time.
 *
 * <p>The log cannot have them: an event out of order changes rows whose T has passed, and a window
 * that has moved on does not come back.
 */
final class ArchiveCorrections {

  private static final String STAGE = "training-set";

  /** {@link dev.millrace.pipeline.training.CorrectedLog}. */
  static DataStream<LogRow> rows(
      StreamExecutionEnvironment env,
      WarehouseTables tables,
      Project project,
      FeatureView view,
      List<String> features,
      long afterMillis,
      long untilMillis,
      String uid) {
    Source source = project.source(view.source()).orElseThrow();
    if (source.kind() != Source.Kind.KAFKA || !source.archive()) {
      throw new IllegalStateException(
          "Cannot join view %s as corrected: its source %s has no archive; leave --as-corrected out, or give a Kafka source archive: true"
              .formatted(view.name(), source.name()));
    }
    ArchiveReplay.Span span =
        new ArchiveReach(source, tables.open(Warehouse.events(project.name(), source.name())))
            .span(List.of(view), afterMillis, untilMillis);
    List<String> all = view.features().stream().map(f -> f.name()).toList();
    return ArchiveReplay.rows(env, tables, project, view, span, ReplayOrder.EVENT_TIME, STAGE)
        .filter(
            row ->
                row.logged() && row.timeMillis() > afterMillis && row.timeMillis() <= untilMillis)
        .name("of the set's time")
        .uid(uid + "-of-time")
        .map(new AsLogged(features.stream().mapToInt(all::indexOf).toArray()))
        .returns(LogRow.TYPE)
        .name("corrected " + view.name())
        .uid(uid + "-corrected")
        // Within a key these come before whatever is joined to them.
        .assignTimestampsAndWatermarks(
            WatermarkStrategy.<LogRow>noWatermarks()
                .withTimestampAssigner((row, before) -> Long.MIN_VALUE))
        .name("untimed")
        .uid(uid + "-untimed");
  }

  /** A row as it is read from the log: lists and maps are text. */
  private record AsLogged(int[] features) implements MapFunction<FeatureRow, LogRow> {

    @Override
    public LogRow map(FeatureRow row) {
      @Nullable Object[] values = new Object[features.length];
      for (int i = 0; i < values.length; i++) {
        Object value = row.values()[features[i]];
        values[i] =
            value instanceof List<?> || value instanceof Map<?, ?> ? ValueText.of(value) : value;
      }
      return new LogRow(
          row.entityKey(), row.timeMillis(), 0, row.positions(), row.knownAtMillis(), values);
    }
  }

  private ArchiveCorrections() {}
}
