package dev.millrace.core.drift;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A statistic's value in one window and what it means.
 *
 * @param feature the input, or score; empty for a statistic of scores and labels
 * @param slot the name of the window's slot
 * @param value null where the window has nothing to compare
 * @param threshold null where the reference is not enough for one
 * @param referenceCount events of the slot in the reference
 * @param counts events of the window by bin, without the empty ones
 * @param contributions the bins that make up most of the value, the largest first
 */
public record Measure(
    String feature,
    Statistic statistic,
    String definition,
    String slot,
    @Nullable Double value,
    @Nullable Double threshold,
    Status status,
    long referenceCount,
    Map<String, Long> counts,
    List<Contribution> contributions) {

  public Measure {
    counts = Map.copyOf(counts);
    contributions = List.copyOf(contributions);
  }

  /** Whether it is an alarm, and if it cannot be one, why. */
  public enum Status {
    OK,
    DRIFTED,
    ALARM,
    INSUFFICIENT_REFERENCE,
    TOO_FEW_EVENTS,
    TOO_FEW_LABELS,
    NO_THRESHOLD
  }

  /** How much of the value comes from one bin. */
  public record Contribution(String bin, double value) {}

  static Measure ofScores(
      Statistic statistic,
      String definition,
      String slot,
      @Nullable Double value,
      @Nullable Double threshold,
      Status status) {
    return new Measure(
        "", statistic, definition, slot, value, threshold, status, 0, Map.of(), List.of());
  }
}
