package dev.millrace.inference;

/** A loaded model with the buffers of one task. For one thread. */
interface Scorer extends AutoCloseable {

  /** Sets one value of a row; NaN says that it is missing. */
  void put(int row, int column, double value);

  /**
   * Scores the first {@code rows} rows.
   *
   * @throws IllegalStateException where the model cannot run
   */
  void score(int rows);

  /** The score of a row of the last batch; NaN where the model gives none. */
  double scored(int row);

  @Override
  void close();
}
