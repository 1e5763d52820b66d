package dev.millrace.core.drift;

import java.util.Locale;

/**
 * What is computed in a window. Thresholds are chosen over all statistics of a model at once, so
 * each has a scale on which its noise is nearly symmetric and alike from slot to slot: PSI under no
 * drift is like a chi-square, whose cube root is nearly normal ([1]); a rate's or a mean loss's
 * noise grows with it, and the square root takes that away ([2]).
 *
 * <p>[1] Wilson, Hilferty: The distribution of chi-square, PNAS 17 (1931). [2] Anscombe: The
 * transformation of Poisson, binomial and negative-binomial data, Biometrika 35 (1948).
 */
public enum Statistic {
  PSI,
  JENSEN_SHANNON,
  NULL_RATE,
  UNSEEN_CATEGORIES,
  LOG_LOSS,
  BRIER,
  CALIBRATION_ERROR,
  AUC,
  PAGE_HINKLEY,
  LOG_LOSS_DELTA;

  private static final double CLIPPED_MEAN_FLOOR = 1e-3;

  /** The name on the records. */
  public String wireName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether a small value is the bad one. */
  public boolean lowIsBad() {
    return this == AUC || this == LOG_LOSS_DELTA;
  }

  /** A value on the scale on which thresholds are chosen: larger is worse. */
  double scaled(double value) {
    return switch (this) {
      case PSI -> Math.cbrt(value);
      case JENSEN_SHANNON -> Math.cbrt(value * value);
      case PAGE_HINKLEY -> value;
      case LOG_LOSS_DELTA -> -value;
      case AUC -> Math.sqrt(Math.max(0, 1 - value));
      default -> Math.sqrt(Math.max(0, value));
    };
  }

  /** The value that {@link #scaled} gives this for. */
  double unscaled(double scaled) {
    return switch (this) {
      case PSI -> scaled * scaled * scaled;
      case JENSEN_SHANNON -> Math.pow(Math.max(0, scaled), 1.5);
      case PAGE_HINKLEY -> scaled;
      case LOG_LOSS_DELTA -> -scaled;
      case AUC -> 1 - Math.max(0, scaled) * Math.max(0, scaled);
      default -> Math.max(0, scaled) * Math.max(0, scaled);
    };
  }

  /**
   * The smallest standard deviation, scaled, that is believed of windows of {@code events} events:
   * an input that never had a null in the reference must not alarm at its first.
   */
  double floor(double events) {
    return switch (this) {
      case PSI -> 0.5 * Math.cbrt(1 / events);
      case JENSEN_SHANNON -> 0.25 * Math.cbrt(1 / events);
      case NULL_RATE, UNSEEN_CATEGORIES -> 0.5 / Math.sqrt(events);
      default -> CLIPPED_MEAN_FLOOR;
    };
  }
}
