package dev.millrace.scoring.explain;

import org.jspecify.annotations.Nullable;

/** What of a model's inside can be explained without trying it out. */
sealed interface ModelForm permits LinearForm, TreeForm {

  /** What the model's last step makes a score of. */
  double margin(double[] row);

  Contributions.Unit unit();

  /**
   * The exact contributions of a row.
   *
   * @param background at least one row
   */
  Contributions contributions(double[] row, double[][] background);

  /**
   * What was found in a file.
   *
   * @param form null where it is neither linear nor of trees, or cannot be read
   * @param flaw why it cannot be read; else null
   */
  record Found(@Nullable ModelForm form, @Nullable String flaw) {}

  /** The form of an ONNX file. */
  static Found of(byte[] onnx, int inputs) {
    return FormReader.read(onnx, inputs);
  }
}
