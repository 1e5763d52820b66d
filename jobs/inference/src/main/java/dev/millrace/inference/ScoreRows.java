package dev.millrace.inference;

import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.table.data.RowData;

/** The rows of {@code scores_<model>}: those of predictions, and the run. */
final class ScoreRows implements MapFunction<Prediction, RowData> {

  private static final long serialVersionUID = 1L;

  private final PredictionRecords.ToRow predictions = new PredictionRecords.ToRow();
  private final String run;

  ScoreRows(String run) {
    this.run = run;
  }

  @Override
  public RowData map(Prediction prediction) {
    return predictions.row(prediction, run);
  }
}
