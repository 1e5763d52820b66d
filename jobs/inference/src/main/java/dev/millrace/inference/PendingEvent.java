package dev.millrace.inference;

import dev.millrace.core.model.Freshness;
import dev.millrace.streaming.Event;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An event in the batch, and what was found for it. Mutable; one owner. */
final class PendingEvent {

  final Event event;

  /** The stream's timestamp; null where the record has none. */
  final @Nullable Long timestampMillis;

  /** The entity key by view of the plan. */
  final String[] entityKeys;

  /** The row by view of the plan; null where there is none. */
  final @Nullable ViewRow[] rows;

  final Freshness[] freshness;

  /** By input of the plan; null where it is missing. */
  final @Nullable Double[] inputs;

  PendingEvent(
      Event event,
      @Nullable Long timestampMillis,
      String[] entityKeys,
      @Nullable ViewRow @Nullable [] rows,
      int inputCount) {
    this.event = event;
    this.timestampMillis = timestampMillis;
    this.entityKeys = entityKeys;
    this.rows = rows == null ? new ViewRow[entityKeys.length] : rows.clone();
    this.freshness = new Freshness[entityKeys.length];
    this.inputs = new Double[inputCount];
  }

  Map<String, String> keysByEntity(ScoringPlan plan) {
    Map<String, String> byEntity = new LinkedHashMap<>();
    for (int v = 0; v < entityKeys.length; v++) {
      byEntity.putIfAbsent(plan.views().get(v).entity(), entityKeys[v]);
    }
    return byEntity;
  }

  Map<String, String> freshnessByView(ScoringPlan plan) {
    Map<String, String> byView = new LinkedHashMap<>();
    for (int v = 0; v < freshness.length; v++) {
      byView.put(plan.views().get(v).view(), freshness[v].name());
    }
    return byView;
  }

  Map<String, RowOrigin> rowsByView(ScoringPlan plan) {
    Map<String, RowOrigin> byView = new LinkedHashMap<>();
    for (int v = 0; v < rows.length; v++) {
      ViewRow row = rows[v];
      if (row != null) {
        ViewRead view = plan.views().get(v);
        byView.put(view.view(), new RowOrigin(row.timeMillis(), row.positions(), view.version()));
      }
    }
    return byView;
  }

  Map<String, @Nullable Double> inputsByName(ScoringPlan plan) {
    Map<String, @Nullable Double> byName = new LinkedHashMap<>();
    for (int i = 0; i < inputs.length; i++) {
      byName.put(plan.inputs().get(i).name(), inputs[i]);
    }
    return byName;
  }
}
