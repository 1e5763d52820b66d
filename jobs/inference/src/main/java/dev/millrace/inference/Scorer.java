package dev.millrace.inference;

import dev.millrace.core.row.Numbers;
import dev.millrace.scoring.ExecutionProvider;
import dev.millrace.scoring.InputTensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A loaded model with the buffers of one task. For one thread. */
interface Scorer extends AutoCloseable {

  /**
   * Sets one value of a row; NaN says that it is missing.
   *
   * @throws IllegalStateException where the model was unloaded and cannot be loaded again
   */
  void put(int row, int column, double value);

  /**
   * Sets one input of a row that is a vector of its {@link #width}.
   *
   * @throws IllegalStateException where the model was unloaded and cannot be loaded again
   */
  default void put(int row, int column, Numbers vector) {
    throw new IllegalStateException("Cannot put a vector: the model takes single values");
  }

  /**
   * Sets one input of a row that is a text.
   *
   * @throws IllegalStateException where the model was unloaded and cannot be loaded again
   */
  default void put(int row, int column, String text) {
    throw new IllegalStateException("Cannot put a text: the model takes numbers");
  }

  /** How many values a row has of an input. */
  default int width(int column) {
    return 1;
  }

  /**
   * Scores the first {@code rows} rows.
   *
   * @throws IllegalStateException where the model cannot run
   */
  void score(int rows);

  /** The score of a row of the last batch; NaN where the model gives none. */
  double scored(int row);

  /**
   * The scores of the batch were read; the model may be unloaded until the next value is put. Who
   * never says so keeps it loaded.
   */
  default void end() {
    // What is loaded stays.
  }

  /** What computes it. */
  default ExecutionProvider provider() {
    return ExecutionProvider.CPU;
  }

  /** Why it is not computed on what its model asks for; null where it is. */
  default @Nullable String fellBack() {
    return null;
  }

  /** The tensors of the model's own file, with the inputs that each takes; none where unknown. */
  default List<InputTensor> tensors() {
    return List.of();
  }

  /** The largest batch that meets the objective; larger ones are scored all the same. */
  default int batchRows() {
    return Integer.MAX_VALUE;
  }

  @Override
  void close();
}
