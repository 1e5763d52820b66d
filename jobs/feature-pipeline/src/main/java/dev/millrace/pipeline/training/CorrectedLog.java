package dev.millrace.pipeline.training;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.streaming.WarehouseTables;
import java.util.List;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** A view's rows with all that is known by now: of each T, the last holds every event up to it. */
@FunctionalInterface
public interface CorrectedLog {

  /**
   * Declares the rows whose T is in (after, until]; they come before whatever has a timestamp.
   *
   * @param tables what is read, kept for the next time
   * @param features whose values the rows have, in this order
   */
  DataStream<LogRow> rows(
      StreamExecutionEnvironment env,
      WarehouseTables tables,
      Project project,
      FeatureView view,
      List<String> features,
      long afterMillis,
      long untilMillis,
      String uid);
}
