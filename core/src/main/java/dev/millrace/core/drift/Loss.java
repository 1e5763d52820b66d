package dev.millrace.core.drift;

/** The log loss of one score, and what of it the score itself did not expect. */
public final class Loss {

  /** Scores are taken as at least this and at most 1 less this. */
  public static final double CLIP = 1e-6;

  /** −ln(probability given to the label), the score clipped. */
  public static double log(double score, double label) {
    double p = clipped(score);
    return -(label * Math.log(p) + (1 - label) * Math.log1p(-p));
  }

  /**
   * The log loss less its expectation if the score were the true probability. Its mean is 0 for a
   * calibrated score whatever the mix of events, so that a busy night is no concept drift, and
   * rises where positives come that the score did not expect.
   */
  public static double residual(double score, double label) {
    double p = clipped(score);
    return (p - label) * (Math.log(p) - Math.log1p(-p));
  }

  static double clipped(double score) {
    return Math.min(1 - CLIP, Math.max(CLIP, score));
  }

  private Loss() {}
}
