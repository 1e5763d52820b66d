package dev.millrace.trainer;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A model, and how it was made and did.
 *
 * @param inputs the signature, in order
 * @param onnx the artifact's bytes
 * @param sha256 of these bytes, in hex
 * @param trees how many trees it has
 * @param settings what XGBoost was told
 * @param parts the three parts of the window, by event time
 * @param validation measured by scoring the artifact itself on the validation part
 * @param holdout the same on the holdout, of which training saw nothing
 * @param scores of every row of the set: for the training part by a model that did not see the row
 *     ({@code crossFitting}), for the others by the artifact
 * @param crossFitting how the folds were cut
 */
@SuppressWarnings("ArrayRecordComponent") // Bytes and columns; never compared.
public record TrainingRun(
    List<String> inputs,
    byte[] onnx,
    String sha256,
    int trees,
    Map<String, Object> settings,
    Parts parts,
    Metrics validation,
    Metrics holdout,
    double[] scores,
    CrossFitting crossFitting) {

  public TrainingRun {
    inputs = List.copyOf(inputs);
    settings = new TreeMap<>(settings);
  }

  /**
   * Rows by event time: training up to the first bound, validation up to the second, holdout from
   * there on.
   */
  public record Parts(
      long trainingUntilMillis,
      long validationUntilMillis,
      int training,
      int validation,
      int holdout) {}

  /**
   * Two folds of alternating blocks of event time.
   *
   * @param blockMillis length of a block; 0 where the window is too short for two folds with both
   *     classes: then the training part's scores are the model's own
   */
  public record CrossFitting(int folds, long blockMillis) {}
}
