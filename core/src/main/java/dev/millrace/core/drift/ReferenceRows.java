package dev.millrace.core.drift;

import java.util.List;

/**
 * The rows that a reference profile is made from: those a version was trained on, each scored by a
 * model that did not see it.
 *
 * @param inputs names of the model's inputs, in its order
 * @param columns by input: a value each row, as the model gets it; NaN where it is missing
 * @param scores each row's cross-fitted score: by a model trained without the row's day
 * @param labels 0 or 1; NaN where a row has none
 * @param eventTimesMillis not decreasing
 * @param fromMillis from where on the rows are complete, included
 * @param toMillis up to where the rows are complete, not included
 */
@SuppressWarnings("ArrayRecordComponent") // Columns of a million rows; never compared.
public record ReferenceRows(
    List<String> inputs,
    double[][] columns,
    double[] scores,
    double[] labels,
    long[] eventTimesMillis,
    long fromMillis,
    long toMillis) {

  /**
   * Checks that the rows fit together.
   *
   * @throws IllegalArgumentException with what does not
   */
  public ReferenceRows {
    inputs = List.copyOf(inputs);
    int rows = eventTimesMillis.length;
    if (columns.length != inputs.size() || scores.length != rows || labels.length != rows) {
      throw new IllegalArgumentException(
          "Cannot make a reference profile: "
              + inputs.size()
              + " inputs and "
              + rows
              + " event times, but "
              + columns.length
              + " columns, "
              + scores.length
              + " scores and "
              + labels.length
              + " labels");
    }
    for (int c = 0; c < columns.length; c++) {
      if (columns[c].length != rows) {
        throw new IllegalArgumentException(
            "Cannot make a reference profile: input "
                + inputs.get(c)
                + " has "
                + columns[c].length
                + " values for "
                + rows
                + " rows");
      }
    }
    for (int i = 1; i < rows; i++) {
      if (eventTimesMillis[i] < eventTimesMillis[i - 1]) {
        throw new IllegalArgumentException(
            "Cannot make a reference profile: row "
                + i
                + " at "
                + eventTimesMillis[i]
                + " comes before the row ahead of it; sort the rows by event time");
      }
    }
  }

  int size() {
    return eventTimesMillis.length;
  }
}
