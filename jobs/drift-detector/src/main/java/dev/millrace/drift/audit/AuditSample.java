package dev.millrace.drift.audit;

import java.io.Serializable;

/**
 * Which predictions are audited: a share of them, by the digits of their ids, which are those of a
 * sha256. So whoever reads the topic again takes the same ones.
 */
public record AuditSample(double share) implements Serializable {

  /** None. */
  public static final AuditSample EMPTY = new AuditSample(0);

  private static final int DIGITS = 13;
  private static final double IDS = 0x1p52;

  public boolean isEmpty() {
    return share <= 0;
  }

  /** Whether a prediction is one of them; an id that is none of ours never is. */
  public boolean takes(String predictionId) {
    if (predictionId.length() < DIGITS) {
      return false;
    }
    try {
      return Long.parseLong(predictionId, 0, DIGITS, 16) / IDS < share;
    } catch (NumberFormatException e) {
      return false;
    }
  }
}
