package dev.millrace.scoring;

import java.util.List;
import java.util.Random;

/**
 * Made-up rows to try a model with, of the right types and each unlike the others: whole numbers
 * are 0 or 1, because they often choose a row of a table, and texts are words that no model knows.
 */
final class ProbeRows {

  private static final double MIN_EXPONENT = -2;
  private static final double MAX_EXPONENT = 4;

  /** A text of a made-up row is one of these, and stands there as its number. */
  static final List<String> WORDS = List.of("", "a", "b", "c");

  private final InputLayout layout;
  private final double[][][] values;

  private ProbeRows(InputLayout layout, int rows, Random random, boolean wide) {
    this.layout = layout;
    this.values = new double[rows][layout.columns().size()][];
    for (double[][] row : values) {
      for (int c = 0; c < row.length; c++) {
        row[c] = new double[layout.columns().get(c).width()];
        for (int i = 0; i < row[c].length; i++) {
          row[c][i] =
              switch (layout.nodeOf(c).type()) {
                case FLOAT, DOUBLE -> wide ? wide(random) : random.nextGaussian();
                case INT64 -> random.nextInt(2);
                default -> random.nextInt(WORDS.size());
              };
        }
      }
    }
  }

  /** Normally distributed, as scaled inputs are. */
  static ProbeRows normal(InputLayout layout, int rows, long seed) {
    return new ProbeRows(layout, rows, new Random(seed), false);
  }

  /** Of all magnitudes from a hundredth to ten thousand, so that thresholds are on both sides. */
  static ProbeRows wide(InputLayout layout, int rows, long seed) {
    return new ProbeRows(layout, rows, new Random(seed), true);
  }

  /** Fills the first rows with those from this one on, again and again. */
  void fill(InputBuffers buffers, int rows, int from) {
    for (int row = 0; row < rows; row++) {
      put(buffers, row, from + row);
    }
  }

  /** Sets one row to one of these. */
  void put(InputBuffers buffers, int row, int from) {
    double[][] source = values[from % values.length];
    for (int c = 0; c < source.length; c++) {
      for (int i = 0; i < source[c].length; i++) {
        switch (layout.nodeOf(c).type()) {
          case STRING -> buffers.put(row, c, i, WORDS.get((int) source[c][i]));
          default -> buffers.put(row, c, i, source[c][i]);
        }
      }
    }
  }

  private static double wide(Random random) {
    double magnitude =
        Math.pow(10, MIN_EXPONENT + random.nextDouble() * (MAX_EXPONENT - MIN_EXPONENT));
    return random.nextBoolean() ? magnitude : -magnitude;
  }
}
