package dev.millrace.core.model;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import java.io.Serializable;
import java.time.Duration;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * Tells from one feature of a row whether all windows of the view are empty.
 *
 * <p>Windows of a row end at the same T, so the longest holds all others and it is enough that this
 * one is empty. A count over it says so by 0. Any other function of a field that is never null says
 * so by null, except stddev, which is null for one event too. A view without windows has none that
 * is not empty. Where nothing in the row tells, the windows are taken as not empty, and the row's T
 * decides.
 *
 * @param feature whose value tells; null where none does
 * @param noWindows whether the view has no window at all
 */
public record WindowWitness(@Nullable String feature, boolean counts, boolean noWindows)
    implements Serializable {

  public static WindowWitness of(FeatureView view, Schema source) {
    Duration longest = view.longestWindow();
    if (longest.isZero()) {
      return new WindowWitness(null, false, true);
    }
    String witness = null;
    for (Feature feature : view.features()) {
      if (!longest.equals(feature.window())) {
        continue;
      }
      if (feature.options().by() == null) {
        if (feature.function() == Feature.Function.COUNT) {
          return new WindowWitness(feature.name(), true, false);
        }
        if (tells(feature.function()) && neverNull(source, feature.column())) {
          witness = feature.name();
        }
      }
    }
    return new WindowWitness(witness, false, false);
  }

  /**
   * Whether all windows are empty.
   *
   * @param value the witness's value as text; null where the row has none
   */
  public boolean allEmpty(@Nullable String value) {
    if (noWindows) {
      return true;
    }
    if (feature == null) {
      return false;
    }
    return counts ? "0".equals(value) : value == null;
  }

  /** Whether a value is null for no event and for nothing else. */
  private static boolean tells(Feature.Function function) {
    return switch (function) {
      case SUM,
          MEAN,
          MIN,
          MAX,
          VARIANCE_POP,
          STDDEV_POP,
          FIRST,
          LAST,
          APPROX_COUNT_DISTINCT,
          PERCENTILE ->
          true;
      default -> false;
    };
  }

  private static boolean neverNull(Schema source, @Nullable String column) {
    Schema.Field field = column == null ? null : source.getField(column);
    return field != null && !field.schema().isNullable();
  }
}
