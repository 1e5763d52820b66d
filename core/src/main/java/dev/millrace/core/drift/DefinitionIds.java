package dev.millrace.core.drift;

import org.jspecify.annotations.Nullable;

/**
 * The text on a statistic's record that says everything that decides its value. Two records with
 * the same text may be compared.
 */
public final class DefinitionIds {

  private static final int SHORT = 12;
  private static final String CLIP = ";clip=1e-6";

  /** Of a statistic of counts by bin. */
  public static String ofBins(
      Statistic statistic, ReferenceProfile.Kind kind, SlotScheme slots, String profileSha256) {
    String bins =
        kind == ReferenceProfile.Kind.NUMERIC ? ";bins=q10+uo+null" : ";bins=categories+other+null";
    return switch (statistic) {
      case PSI -> "psi/v1" + bins + ";smooth=.5" + reference(slots, profileSha256);
      case JENSEN_SHANNON ->
          "jensen_shannon/v1;distance;base=2"
              + bins
              + ";smooth=.5"
              + reference(slots, profileSha256);
      default -> statistic.wireName() + "/v1" + bins + reference(slots, profileSha256);
    };
  }

  /**
   * Of a statistic of scores and labels.
   *
   * @param slots null where there is no profile
   * @param profileSha256 null where there is none
   */
  public static String ofScores(
      Statistic statistic, @Nullable SlotScheme slots, @Nullable String profileSha256) {
    String what =
        switch (statistic) {
          case LOG_LOSS -> "log_loss/v1" + CLIP;
          case BRIER -> "brier/v1";
          case CALIBRATION_ERROR -> "calibration_error/v1;bins=w10";
          case AUC -> "auc/v1;bins=logodds1000" + CLIP;
          case PAGE_HINKLEY ->
              "page_hinkley/v1;x=log_loss-expected;mean=reference+running;floor=0" + CLIP;
          case LOG_LOSS_DELTA -> "log_loss_delta/v1;baseline-version" + CLIP;
          default ->
              throw new IllegalArgumentException(
                  "Cannot name " + statistic + ": it is no statistic of scores");
        };
    if (statistic == Statistic.LOG_LOSS_DELTA) {
      return what;
    }
    return slots == null || profileSha256 == null
        ? what + ";ref=none"
        : what + reference(slots, profileSha256);
  }

  private static String reference(SlotScheme slots, String profileSha256) {
    return ";slots=" + slots.id() + ";ref=" + profileSha256.substring(0, SHORT);
  }

  private DefinitionIds() {}
}
