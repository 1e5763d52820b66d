package dev.millrace.inference;

import java.io.IOException;
import java.io.Serializable;
import java.util.OptionalLong;

/** What a model's topic of predictions tells of those who wrote it before. */
interface PredictionTimes extends Serializable {

  /**
   * The largest event time among the predictions that were written since.
   *
   * @param sinceMillis by the broker's clock; 0 for all that are kept
   * @return empty where there is none
   */
  OptionalLong largest(String model, long sinceMillis) throws IOException;
}
