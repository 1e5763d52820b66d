package dev.millrace.streaming;

import dev.millrace.core.definition.Entity;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.core.row.Positions;
import java.time.Duration;
import java.util.List;

/** Rows of a view of two features, for the tests of the sink. */
final class RedisRows {

  static final String ID = "0123456789ab";

  static FeatureView view() {
    Duration hour = Duration.ofHours(1);
    return new FeatureView(
        "v",
        new Entity("card", List.of("card_id")),
        "s",
        List.of("card_id"),
        null,
        FeatureView.Accuracy.EXACT,
        Duration.ofMinutes(5),
        Duration.ZERO,
        Duration.ofDays(7),
        List.of(
            new Feature("count_1h", Function.COUNT, null, hour, ValueType.LONG),
            new Feature("x_mean_1h", Function.MEAN, "x", hour, ValueType.DOUBLE)),
        ID);
  }

  static RedisGuard guard() {
    return new RedisGuard(view(), 1);
  }

  /** The row of an entity after its event at an offset, whose count is the offset. */
  static FeatureRow row(String entity, long offset) {
    return row(entity, offset, false);
  }

  static FeatureRow refresh(String entity, long offset) {
    return row(entity, offset, true);
  }

  static String key(String entity) {
    return "features:{card:" + entity + "}:v";
  }

  private static FeatureRow row(String entity, long offset, boolean refresh) {
    return new FeatureRow(
        entity,
        1_000 + offset,
        Positions.NONE.advance(0, offset),
        0,
        refresh,
        true,
        true,
        new Object[] {offset, offset / 2.0});
  }

  private RedisRows() {}
}
