package dev.millrace.inference;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;

/** Scores events whose rows were found, and waits for those of others where it has to. */
final class ReadyScoring {

  private final BatchScoring scoring;
  private final ParkedEvents parked;
  private final IntSupplier batchRows;
  private final WaitClock clock;
  private final LongSupplier nowMillis;
  private final InferenceMetrics metrics;

  /**
   * Over what is parked.
   *
   * @param batchRows what one batch takes at most
   */
  ReadyScoring(
      BatchScoring scoring,
      ParkedEvents parked,
      IntSupplier batchRows,
      WaitClock clock,
      LongSupplier nowMillis,
      InferenceMetrics metrics) {
    this.scoring = scoring;
    this.parked = parked;
    this.batchRows = batchRows;
    this.clock = clock;
    this.nowMillis = nowMillis;
    this.metrics = metrics;
  }

  /** Scores a batch, and parks those of it whose rows do not include them yet. */
  void score(EventBatch batch) {
    score(parked.ready(batch.take(), nowMillis.getAsLong()));
    metrics.batchLatencyMs.update(nowMillis.getAsLong() - batch.arrivedMillis());
    // Where too many wait the input does too.
    awaitParked(() -> !parked.isOver());
  }

  /** Asks for the rows of what is parked, and scores what has them. */
  void askAgain() {
    score(parked.ready(List.of(), nowMillis.getAsLong()));
  }

  /** The task itself waits, which nothing but its input's end or too many parked events ask for. */
  void awaitParked(BooleanSupplier enough) {
    long now = nowMillis.getAsLong();
    while (!enough.getAsBoolean()) {
      long due = parked.dueMillis();
      if (due > now) {
        clock.pause(TimeUnit.MILLISECONDS.toNanos(due - now));
        now = Math.max(nowMillis.getAsLong(), due);
      }
      score(parked.ready(List.of(), now));
    }
  }

  /** There may be more of them than one batch takes. */
  private void score(List<PendingEvent> ready) {
    int most = batchRows.getAsInt();
    for (int from = 0; from < ready.size(); from += most) {
      List<PendingEvent> rows = ready.subList(from, Math.min(ready.size(), from + most));
      scoring.score(rows);
      metrics.batchSize.update(rows.size());
      metrics.totalBatchesProcessed.inc();
      metrics.totalRecordsProcessed.inc(rows.size());
    }
  }
}
