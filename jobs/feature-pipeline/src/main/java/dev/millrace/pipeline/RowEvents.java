package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.row.EntityKeys;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.SourcePlan;
import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a view as the events that further views read, at T and at the position of the event that
 * caused the row.
 *
 * @param plan of the view as a source
 * @param features their names
 */
record RowEvents(SourcePlan plan, int keys, List<String> features) implements Serializable {

  static RowEvents of(FeatureView view, SourcePlan plan) {
    return new RowEvents(
        plan,
        view.entity().keys().size(),
        List.copyOf(view.features().stream().map(f -> f.name()).toList()));
  }

  Inbound of(FeatureRow row, int partition, long offset) {
    String cause = partition + ":" + offset;
    @Nullable Object[] values = new Object[keys + 2 + features.size()];
    List<String> key = EntityKeys.split(row.entityKey());
    for (int i = 0; i < keys; i++) {
      values[i] = key.get(i);
    }
    values[keys] = row.timeMillis();
    values[keys + 1] = cause;
    System.arraycopy(row.values(), 0, values, keys + 2, features.size());
    for (int field : plan.usedFields()) {
      if (values[field] instanceof Double number && !Double.isFinite(number)) {
        return new Inbound(null, notFinite(row, partition, offset, field, number));
      }
    }
    return new Inbound(
        new Event(partition, offset, row.timeMillis(), row.timeMillis(), cause, values, null, null),
        null);
  }

  private DeadLetter notFinite(
      FeatureRow row, int partition, long offset, int field, double number) {
    return DeadLetter.withoutBytes(
        plan.name(),
        plan.topic(),
        partition,
        offset,
        row.timeMillis(),
        DeadLetter.Reason.NON_FINITE,
        plan.schema().getFields().get(field).name()
            + " of entity "
            + row.entityKey()
            + " is "
            + number
            + ", a finite number is needed",
        plan.stage());
  }
}
