package dev.millrace.inference;

import dev.millrace.streaming.DeadLetter;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;

/** What a batch run tells when it is done. */
final class ScoreCounts {

  /** Predictions in all. */
  static final String ROWS = "rows";

  /** Before a version's number: what it scored; of what a fallback scored nothing. */
  static final String VERSION = "version.";

  /** What a fallback scored. */
  static final String FALLBACKS = "fallbacks";

  /** Before a reason: events without a score. */
  static final String LETTERS = "letters.";

  /** Counts predictions on their way. */
  static final class OfPredictions extends RichMapFunction<Prediction, Prediction> {

    private static final long serialVersionUID = 1L;

    private transient LongCounter rows;
    private transient LongCounter fallbacks;
    private transient Map<Integer, LongCounter> versions;

    @SuppressWarnings("NullAway.Init") // Flink opens a function before it is used.
    OfPredictions() {}

    @Override
    public void open(OpenContext context) {
      rows = getRuntimeContext().getLongCounter(ROWS);
      fallbacks = getRuntimeContext().getLongCounter(FALLBACKS);
      versions = new HashMap<>();
    }

    @Override
    public Prediction map(Prediction prediction) {
      rows.add(1L);
      if (prediction.role() == Role.FALLBACK) {
        fallbacks.add(1L);
      } else {
        versions
            .computeIfAbsent(
                prediction.version(), v -> getRuntimeContext().getLongCounter(VERSION + v))
            .add(1L);
      }
      return prediction;
    }
  }

  /** Counts letters by their reason. */
  static final class OfLetters extends RichMapFunction<DeadLetter, Boolean> {

    private static final long serialVersionUID = 1L;

    @Override
    public Boolean map(DeadLetter letter) {
      getRuntimeContext().getLongCounter(LETTERS + letter.reason()).add(1L);
      return true;
    }
  }

  private ScoreCounts() {}
}
