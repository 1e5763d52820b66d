package dev.millrace.inference;

import dev.millrace.core.model.Freshness;

/** Judges how fresh the rows of an event are. */
final class RowFreshness {

  private final ScoringPlan plan;
  private final InferenceMetrics metrics;

  RowFreshness(ScoringPlan plan, InferenceMetrics metrics) {
    this.plan = plan;
    this.metrics = metrics;
  }

  /** Sets the freshness of each view that was read for the event. */
  void judge(PendingEvent event) {
    for (int v : event.views(plan)) {
      ViewRow row = event.rows[v];
      Freshness freshness =
          row == null
              ? Freshness.MISSING
              : plan.views()
                  .get(v)
                  .freshness()
                  .judge(
                      row.timeMillis(),
                      row.positions(),
                      row.allWindowsEmpty(),
                      event.event.eventTimeMillis(),
                      event.event.partition(),
                      event.event.offset());
      event.freshness[v] = freshness;
      metrics.count(freshness);
    }
  }
}
