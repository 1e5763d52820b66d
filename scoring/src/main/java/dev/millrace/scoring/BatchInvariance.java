package dev.millrace.scoring;

import ai.onnxruntime.OnnxJavaType;

/**
 * The least number of rows to run a model with so that a row has bit-equal scores whatever batch it
 * rides in.
 *
 * <p>The kernels of a matrix product differ by the number of rows, and some of them add in another
 * order. Seen with ONNX Runtime 1.28 on AVX-512: products of doubles give other last bits for one
 * row than for many, and for the last of three; products of floats and trees do not. So batches run
 * in powers of two alone, doubles in at least four, and what rows the sizes from one to sixteen
 * have in common is compared.
 */
final class BatchInvariance {

  private static final int LARGEST = 16;
  private static final int LEAST_OF_DOUBLES = 4;
  private static final int ROWS = 32;
  private static final long SEED = 1_128;

  private final BatchScorer scorer;
  private final ProbeRows pool;
  private final double[] expected = new double[ROWS];

  private BatchInvariance(BatchScorer scorer, ProbeRows pool) {
    this.scorer = scorer;
    this.pool = pool;
  }

  static int leastRows(OnnxModel model) {
    boolean doubles =
        model.layout().nodes().stream().anyMatch(n -> n.type() == OnnxJavaType.DOUBLE);
    int floor = doubles ? LEAST_OF_DOUBLES : 1;
    try (BatchScorer scorer = model.cold(LARGEST)) {
      return new BatchInvariance(scorer, ProbeRows.normal(model.layout(), ROWS, SEED)).least(floor);
    }
  }

  private int least(int floor) {
    for (int from = 0; from < ROWS; from += LARGEST) {
      score(LARGEST, from);
      for (int row = 0; row < LARGEST; row++) {
        expected[from + row] = scorer.probability(row);
      }
    }
    int least = LARGEST;
    for (int size = LARGEST / 2; size >= floor && isSame(size); size /= 2) {
      least = size;
    }
    return least;
  }

  /** Whether batches of a size give each row what it had before, at two places of a batch. */
  private boolean isSame(int size) {
    for (int shift = 0; shift < 2; shift++) {
      for (int from = 0; from < ROWS; from += size) {
        score(size, from + shift);
        for (int row = 0; row < size; row++) {
          if (Double.doubleToLongBits(scorer.probability(row))
              != Double.doubleToLongBits(expected[(from + shift + row) % ROWS])) {
            return false;
          }
        }
      }
    }
    return true;
  }

  private void score(int size, int from) {
    pool.fill(scorer.buffers(), size, from);
    scorer.score(size);
  }
}
