package dev.millrace.inference;

import dev.millrace.core.model.Freshness;
import dev.millrace.streaming.Event;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An event in the batch, and what was found for it. Mutable; one owner. */
final class PendingEvent {

  final Event event;

  /** The stream's timestamp; null where the record has none. */
  final @Nullable Long timestampMillis;

  /** The entity key by view of the plan; null where the event names none. */
  final @Nullable String[] entityKeys;

  /** The row by view of the plan; null where there is none. */
  final @Nullable ViewRow[] rows;

  /** By view of the plan; null where no version of the event's deployment reads it. */
  final @Nullable Freshness[] freshness;

  /**
   * By input of all plans: a Double, a text, or Numbers of a vector; null where it is missing, and
   * where no model takes it.
   */
  final @Nullable Object[] inputs;

  /** By view of the plan: whether its row was read and nothing more is waited for. */
  final boolean[] settled;

  /** By view of the plan: whether its row was read and is worth waiting for. */
  final boolean[] awaited;

  /** By input of all plans: why no model takes its text; null while there is no such text. */
  private @Nullable String @Nullable [] flaws;

  /** An estimate of what it holds. */
  final long bytes;

  /** Who scores it; null where only the fallback can. */
  Serving.@Nullable Served served;

  PendingEvent(
      Event event,
      @Nullable Long timestampMillis,
      @Nullable String[] entityKeys,
      @Nullable ViewRow @Nullable [] rows,
      int inputCount) {
    this.event = event;
    this.timestampMillis = timestampMillis;
    this.entityKeys = entityKeys;
    this.rows = rows == null ? new ViewRow[entityKeys.length] : rows.clone();
    this.freshness = new Freshness[entityKeys.length];
    this.inputs = new Object[inputCount];
    this.settled = new boolean[entityKeys.length];
    this.awaited = new boolean[entityKeys.length];
    this.bytes = EventBytes.of(event, this.rows);
  }

  /** Notes why no model takes the text of an input. */
  void flawed(int input, String why) {
    @Nullable String[] known = flaws;
    if (known == null) {
      known = new String[inputs.length];
      flaws = known;
    }
    known[input] = why;
  }

  /** Why no model takes the text of an input; null where it is missing, or one does. */
  @Nullable String flaw(int input) {
    return flaws == null ? null : flaws[input];
  }

  /** Whether a row that its versions read does not include it yet. */
  boolean waits(ScoringPlan plan) {
    for (int v : views(plan)) {
      if (awaited[v]) {
        return true;
      }
    }
    return false;
  }

  /** Indexes of the views that are read for the event. */
  List<Integer> views(ScoringPlan plan) {
    Serving.Served serves = served;
    return serves == null ? plan.current().views() : serves.views();
  }

  Map<String, String> keysByEntity(ScoringPlan plan, InputPlan of) {
    if (of.views().isEmpty()) {
      return Map.of();
    }
    Map<String, String> byEntity = new LinkedHashMap<>();
    for (int v : of.views()) {
      String key = entityKeys[v];
      if (key != null) {
        byEntity.putIfAbsent(plan.views().get(v).entity(), key);
      }
    }
    return byEntity;
  }

  Map<String, String> freshnessByView(ScoringPlan plan, InputPlan of) {
    if (of.views().isEmpty()) {
      return Map.of();
    }
    Map<String, String> byView = new LinkedHashMap<>();
    for (int v : of.views()) {
      Freshness how = freshness[v];
      if (how != null) {
        byView.put(plan.views().get(v).view(), how.name());
      }
    }
    return byView;
  }

  Map<String, RowOrigin> rowsByView(ScoringPlan plan, InputPlan of) {
    if (of.views().isEmpty()) {
      return Map.of();
    }
    Map<String, RowOrigin> byView = new LinkedHashMap<>();
    for (int v : of.views()) {
      ViewRow row = rows[v];
      if (row != null) {
        ViewRead view = plan.views().get(v);
        byView.put(view.view(), new RowOrigin(row.timeMillis(), row.positions(), view.version()));
      }
    }
    return byView;
  }
}
