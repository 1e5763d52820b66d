package dev.millrace.inference;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.scoring.InputColumn;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;

/** Makes a version ready to score. */
interface ModelLoader extends Serializable {

  /**
   * Loads a version.
   *
   * @param inputs the model's inputs in order
   * @throws IOException where the artifact cannot be read, does not fit or is too slow
   */
  Scorer load(String model, DeployedVersion version, List<InputColumn> inputs, Execution execution)
      throws IOException;

  /** The same, on the task's own GPU where it computes on one. */
  default ModelLoader on(int gpu) {
    return this;
  }
}
