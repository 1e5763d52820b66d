package dev.millrace.scoring.explain;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What each input adds to a score: Shapley values against a background. The base and all values
 * together are {@link #value}.
 *
 * @param method how they were found
 * @param unit of all of them
 * @param base what is predicted on average over the background
 * @param value what is predicted for the row
 * @param values by input of the signature
 * @param errors by input: half of the 95 % interval that sampling leaves; null where they are exact
 * @param backgroundRows how many rows they were compared with
 */
public record Contributions(
    Method method,
    Unit unit,
    double base,
    double value,
    List<Double> values,
    @Nullable List<Double> errors,
    int backgroundRows) {

  public Contributions {
    values = List.copyOf(values);
    errors = errors == null ? null : List.copyOf(errors);
  }

  /** How contributions are found. */
  public enum Method {
    /** Weight times distance from the background's mean: exact. */
    LINEAR,
    /** Every way through every tree: exact. */
    TREES,
    /** Random orders of the inputs: with an error. */
    SAMPLED
  }

  /** What is added up. */
  public enum Unit {
    /** The score is the logistic function of the sum. */
    LOG_ODDS,
    /** The score is the sum. */
    SCORE
  }

  /** The score that the value stands for. */
  public double score() {
    return unit == Unit.LOG_ODDS ? 1 / (1 + Math.exp(-value)) : value;
  }
}
