package dev.millrace.scoring;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;

/** Times the batches of one model, for at most a given time and one batch of each size more. */
final class LatencyMeasurement {

  private static final long SEED = 20_261;
  private static final int POOL_ROWS = 256;
  private static final int MAX_SAMPLES = 25;

  private final LongSupplier nanoClock;
  private final long timeNanos;

  LatencyMeasurement(LongSupplier nanoClock, Duration time) {
    this.nanoClock = nanoClock;
    this.timeNanos = time.toNanos();
  }

  LatencyTable of(OnnxModel model, int maxRows) {
    List<LatencyTable.Measured> measured = new ArrayList<>();
    ProbeRows pool = ProbeRows.wide(model.layout(), POOL_ROWS, SEED);
    long end = nanoClock.getAsLong() + timeNanos;
    try (BatchScorer scorer = model.cold(maxRows)) {
      List<Integer> sizes = scorer.sizes();
      long last = 0;
      for (int i = 0; i < sizes.size(); i++) {
        long left = end - nanoClock.getAsLong();
        if (i > 0 && left < 2 * last) {
          break;
        }
        int rows = Math.min(sizes.get(i), maxRows);
        last = median(scorer, pool, rows, left / (sizes.size() - i));
        measured.add(new LatencyTable.Measured(model.device().provider(), rows, last));
      }
    }
    return new LatencyTable(measured);
  }

  private long median(BatchScorer scorer, ProbeRows pool, int rows, long shareNanos) {
    long[] samples = new long[MAX_SAMPLES];
    long end = nanoClock.getAsLong() + shareNanos;
    // The first run of a shape plans its memory.
    long first = sample(scorer, pool, rows, 0);
    int count = 0;
    while (count < MAX_SAMPLES && nanoClock.getAsLong() + first < end) {
      samples[count++] = sample(scorer, pool, rows, count * rows);
    }
    if (count == 0) {
      return first;
    }
    Arrays.sort(samples, 0, count);
    return samples[count / 2];
  }

  private long sample(BatchScorer scorer, ProbeRows pool, int rows, int from) {
    pool.fill(scorer.buffers(), rows, from);
    long start = nanoClock.getAsLong();
    scorer.score(rows);
    return nanoClock.getAsLong() - start;
  }
}
