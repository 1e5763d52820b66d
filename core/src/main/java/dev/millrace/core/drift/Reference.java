package dev.millrace.core.drift;

import dev.millrace.core.drift.Measure.Contribution;
import dev.millrace.core.drift.Measure.Status;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A reference profile made ready to measure windows against. */
public final class Reference {

  private static final int CONTRIBUTIONS_MAX = 5;
  private static final List<Statistic> OF_SCORES =
      List.of(Statistic.LOG_LOSS, Statistic.BRIER, Statistic.CALIBRATION_ERROR, Statistic.AUC);

  private final ReferenceProfile profile;
  private final String sha256;
  private final List<Bins> bins = new ArrayList<>();
  private final List<long[][]> counts = new ArrayList<>();

  /**
   * Prepares a profile.
   *
   * @param sha256 of the file it was read from
   */
  public Reference(ReferenceProfile profile, String sha256) {
    this.profile = profile;
    this.sha256 = sha256;
    for (ReferenceProfile.Feature feature : profile.features()) {
      bins.add(new Bins(feature.kind(), feature.values()));
      counts.add(
          feature.counts().stream()
              .map(slot -> slot.stream().mapToLong(Long::longValue).toArray())
              .toArray(long[][]::new));
    }
  }

  public ReferenceProfile profile() {
    return profile;
  }

  /** The inputs, in the profile's order, and the score. */
  public int features() {
    return bins.size();
  }

  /** The bin of a feature's value; NaN is null. */
  public int bin(int feature, double value) {
    return bins.get(feature).bin(value);
  }

  /** How many bins a feature has. */
  public int bins(int feature) {
    return bins.get(feature).size();
  }

  /**
   * The statistics of a feature in a window.
   *
   * @param whole whether these are all events of the window: a part of them is not what the
   *     thresholds were made for
   */
  public List<Measure> drift(int feature, long windowStartMillis, long[] window, boolean whole) {
    ReferenceProfile.Feature described = profile.features().get(feature);
    int slot = profile.slots().slot(windowStartMillis);
    long[] reference = counts.get(feature)[slot];
    long events = total(window);
    long referenceEvents = total(reference);
    List<Measure> measures = new ArrayList<>();
    for (ReferenceProfile.Standard standard : described.statistics()) {
      Statistic statistic = standard.statistic();
      Double threshold = whole ? standard.threshold().get(slot) : null;
      boolean comparable = events > 0 && referenceEvents > 0;
      Double value =
          comparable
              ? (Double) DriftStatistics.value(statistic, bins.get(feature), reference, window)
              : null;
      Status status;
      if (events < ProfileMaking.EVENTS_MIN) {
        status = Status.TOO_FEW_EVENTS;
      } else if (value == null || threshold == null) {
        status = Status.INSUFFICIENT_REFERENCE;
      } else {
        status = value > threshold ? Status.DRIFTED : Status.OK;
      }
      measures.add(
          new Measure(
              described.name(),
              statistic,
              DefinitionIds.ofBins(statistic, described.kind(), profile.slots(), sha256),
              profile.slots().slotName(slot),
              value,
              threshold,
              status,
              referenceEvents,
              named(feature, window),
              comparable ? contributions(statistic, feature, reference, window) : List.of()));
    }
    return measures;
  }

  private Map<String, Long> named(int feature, long[] window) {
    Map<String, Long> named = new HashMap<>();
    for (int bin = 0; bin < window.length; bin++) {
      if (window[bin] > 0) {
        named.put(bins.get(feature).binName(bin), window[bin]);
      }
    }
    return named;
  }

  private List<Contribution> contributions(
      Statistic statistic, int feature, long[] reference, long[] window) {
    double[] parts = DriftStatistics.contributions(statistic, bins.get(feature), reference, window);
    List<Contribution> all = new ArrayList<>();
    for (int bin = 0; bin < parts.length; bin++) {
      if (parts[bin] > 0) {
        all.add(new Contribution(bins.get(feature).binName(bin), parts[bin]));
      }
    }
    all.sort(
        Comparator.comparingDouble((Contribution c) -> -c.value())
            .thenComparing(Contribution::bin));
    return all.subList(0, Math.min(CONTRIBUTIONS_MAX, all.size()));
  }

  /**
   * The statistics of the scores and labels of a window.
   *
   * @param reference null where the version has no profile: values without thresholds
   * @param whole whether these are all events of the window that the version scored
   */
  public static List<Measure> performance(
      @Nullable Reference reference, long windowStartMillis, ScoredSums sums, boolean whole) {
    List<Measure> measures = new ArrayList<>();
    for (Statistic statistic : OF_SCORES) {
      double computed = sums.value(statistic);
      Double value = Double.isNaN(computed) ? null : (Double) computed;
      Double threshold =
          reference == null || !whole ? null : reference.threshold(statistic, windowStartMillis);
      Status status;
      if (value == null) {
        status = Status.TOO_FEW_LABELS;
      } else if (threshold == null) {
        status =
            reference != null && !reference.profile.sufficient()
                ? Status.INSUFFICIENT_REFERENCE
                : Status.NO_THRESHOLD;
      } else {
        boolean bad = statistic.lowIsBad() ? value < threshold : value > threshold;
        status = bad ? Status.ALARM : Status.OK;
      }
      measures.add(
          Measure.ofScores(
              statistic,
              definition(reference, statistic),
              slotName(reference, windowStartMillis),
              value,
              threshold,
              status));
    }
    return measures;
  }

  /** The Page-Hinkley test of this version's residuals, at its start; null where there is none. */
  public @Nullable PageHinkley pageHinkley() {
    Double mean = profile.pageHinkley().mean();
    return mean == null
        ? null
        : new PageHinkley(mean, profile.pageHinkley().weight(), profile.pageHinkley().delta());
  }

  /**
   * The test's statistic in a window.
   *
   * @param largest that it reached; null where the window had no labels
   */
  public Measure pageHinkley(long windowStartMillis, @Nullable Double largest) {
    Double lambda = profile.pageHinkley().lambda();
    Status status;
    if (lambda == null) {
      status = Status.INSUFFICIENT_REFERENCE;
    } else if (largest == null) {
      status = Status.TOO_FEW_LABELS;
    } else {
      status = largest > lambda ? Status.ALARM : Status.OK;
    }
    return Measure.ofScores(
        Statistic.PAGE_HINKLEY,
        definition(this, Statistic.PAGE_HINKLEY),
        slotName(this, windowStartMillis),
        largest,
        lambda,
        status);
  }

  private @Nullable Double threshold(Statistic statistic, long windowStartMillis) {
    int slot = profile.slots().slot(windowStartMillis);
    for (ReferenceProfile.Standard standard : profile.performance()) {
      if (standard.statistic() == statistic) {
        return standard.threshold().get(slot);
      }
    }
    return null;
  }

  private static String definition(@Nullable Reference reference, Statistic statistic) {
    return reference == null
        ? DefinitionIds.ofScores(statistic, null, null)
        : DefinitionIds.ofScores(statistic, reference.profile.slots(), reference.sha256);
  }

  /** The name of a window's slot; {@code all} where there is no profile. */
  public static String slotName(@Nullable Reference reference, long windowStartMillis) {
    SlotScheme slots = reference == null ? SlotScheme.ONE : reference.profile.slots();
    return slots.slotName(slots.slot(windowStartMillis));
  }

  private static long total(long[] counts) {
    long total = 0;
    for (long count : counts) {
      total += count;
    }
    return total;
  }
}
