package dev.millrace.core.drift;

import dev.millrace.core.definition.Model;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Makes a reference profile, and chooses what is an alarm.
 *
 * <p>Thresholds come from the reference's own windows, as they follow one another: within a window,
 * and from one to the next, events are alike (the same customers, the same hour's weather), so that
 * thresholds from independent draws alarm in a large part of all windows. Each reference window is
 * compared with the rest of its slot, itself left out as a live window is, and each statistic is
 * standardised by the other windows of the slot. A slot has few windows, so its variance is pulled
 * towards that of all slots ([1]).
 *
 * <p>The threshold is chosen for the largest standardised value of each day ({@link DayMaxima}),
 * the limit of the Page-Hinkley test by itself ({@link PageHinkleyLimit}).
 *
 * <p>[1] Smyth: Linear models and empirical Bayes methods, Stat. Appl. Genet. Mol. Biol. 3 (2004).
 */
final class ProfileMaking {

  /** Fewer events than this say nothing of a window. */
  static final int EVENTS_MIN = 30;

  private static final String METHOD = "gumbel-of-day-maxima/v1";
  private static final int SLOT_WINDOWS_MIN = 8;
  private static final int WHOLE_WITHOUT = 1_000;
  private static final long DAY_MILLIS = 24 * 3_600_000L;
  private static final long SUFFICIENT_MILLIS = 7 * DAY_MILLIS;

  /** How many windows' worth of evidence the variance of all slots counts for in one. */
  private static final double POOLED_WEIGHT = 8;

  private static final List<Statistic> PERFORMANCE =
      List.of(Statistic.LOG_LOSS, Statistic.BRIER, Statistic.CALIBRATION_ERROR, Statistic.AUC);

  private final String model;
  private final ReferenceRows rows;
  private final Model.Monitoring monitoring;
  private final long seed;

  private final long windowMillis;
  private final long firstWindow;
  private final int windows;
  private final int fromRow;
  private final int toRow;

  /** By window: its first row; one more at the end. */
  private final int[] starts;

  private final boolean sufficient;
  private final SlotScheme slots;

  /** By window: the largest standardised value of any statistic. */
  private final double[] largestOfWindow;

  ProfileMaking(String model, ReferenceRows rows, Model.Monitoring monitoring, long seed) {
    this.model = model;
    this.rows = rows;
    this.monitoring = monitoring;
    this.seed = seed;
    this.windowMillis = monitoring.window().toMillis();
    // A window that lacks a thousandth is whole: training windows begin a millisecond late.
    this.firstWindow =
        -Math.floorDiv(windowMillis / WHOLE_WITHOUT - rows.fromMillis(), windowMillis);
    long endWindow = Math.max(firstWindow, Math.floorDiv(rows.toMillis(), windowMillis));
    this.windows = Math.toIntExact(endWindow - firstWindow);
    this.starts = new int[windows + 1];
    this.largestOfWindow = new double[windows];
    Arrays.fill(largestOfWindow, Double.NEGATIVE_INFINITY);
    int row = 0;
    for (int w = 0; w <= windows; w++) {
      while (row < rows.size() && rows.eventTimesMillis()[row] < startMillis(w)) {
        row++;
      }
      starts[w] = row;
    }
    this.fromRow = starts[0];
    this.toRow = starts[windows];
    boolean longEnough = rows.toMillis() - rows.fromMillis() >= SUFFICIENT_MILLIS;
    this.slots = longEnough ? scheme() : SlotScheme.ONE;
    this.sufficient = longEnough && windows >= SLOT_WINDOWS_MIN;
  }

  ReferenceProfile profile() {
    List<Counted> counted = new ArrayList<>();
    for (int c = 0; c < rows.columns().length; c++) {
      counted.add(counted(rows.inputs().get(c), rows.columns()[c]));
    }
    counted.add(counted(ReferenceProfile.SCORE, rows.scores()));
    List<List<Standardised>> ofFeatures = new ArrayList<>();
    for (Counted feature : counted) {
      ofFeatures.add(standardised(feature));
    }
    List<Standardised> ofPerformance = performance();
    Double largest = null;
    Double z = null;
    double[] byDay = dayMaxima();
    if (sufficient && byDay.length > 0) {
      largest = Arrays.stream(byDay).max().orElseThrow();
      z = DayMaxima.threshold(byDay, monitoring, seed);
    }
    List<ReferenceProfile.Feature> features = new ArrayList<>();
    for (int f = 0; f < counted.size(); f++) {
      Counted feature = counted.get(f);
      List<ReferenceProfile.Standard> statistics = new ArrayList<>();
      for (Standardised statistic : ofFeatures.get(f)) {
        statistics.add(statistic.standard(z));
      }
      features.add(
          new ReferenceProfile.Feature(
              feature.name,
              feature.bins.kind(),
              feature.bins.values(),
              Arrays.stream(feature.bySlot).map(c -> Arrays.stream(c).boxed().toList()).toList(),
              statistics));
    }
    List<ReferenceProfile.Standard> performance = new ArrayList<>();
    for (Standardised statistic : ofPerformance) {
      performance.add(statistic.standard(z));
    }
    return new ReferenceProfile(
        ReferenceProfile.FORMAT,
        model,
        rows.inputs(),
        windowMillis,
        monitoring.season().toMillis(),
        startMillis(0),
        startMillis(windows),
        toRow - fromRow,
        windows,
        sufficient,
        slots,
        new ReferenceProfile.Thresholds(
            z,
            largest,
            monitoring.falseAlarms(),
            monitoring.falseAlarmsPer().toMillis(),
            METHOD,
            seed),
        features,
        performance,
        sufficient
            ? new PageHinkleyLimit(rows, fromRow, toRow, monitoring, seed).parameters()
            : PageHinkleyLimit.UNKNOWN);
  }

  private long startMillis(int window) {
    return (firstWindow + window) * windowMillis;
  }

  private int slot(int window) {
    return slots.slot(startMillis(window));
  }

  /** The finest scheme whose slots all have enough windows. */
  private SlotScheme scheme() {
    for (SlotScheme scheme : SlotScheme.values()) {
      if (scheme.seasonMillis() <= monitoring.season().toMillis()
          && leastWindows(scheme) >= SLOT_WINDOWS_MIN) {
        return scheme;
      }
    }
    return SlotScheme.ONE;
  }

  /** How many windows the slot with the fewest has, of those that occur. */
  private int leastWindows(SlotScheme scheme) {
    int[] counts = new int[scheme.slots()];
    for (int w = 0; w < windows; w++) {
      counts[scheme.slot(startMillis(w))]++;
    }
    return Arrays.stream(counts).filter(c -> c > 0).min().orElse(0);
  }

  private Counted counted(String name, double[] column) {
    Bins bins = Bins.of(column, fromRow, toRow);
    long[][] byWindow = new long[windows][bins.size()];
    long[][] bySlot = new long[slots.slots()][bins.size()];
    for (int w = 0; w < windows; w++) {
      for (int row = starts[w]; row < starts[w + 1]; row++) {
        byWindow[w][bins.bin(column[row])]++;
      }
      long[] slot = bySlot[slot(w)];
      for (int bin = 0; bin < slot.length; bin++) {
        slot[bin] += byWindow[w][bin];
      }
    }
    return new Counted(name, bins, byWindow, bySlot);
  }

  @SuppressWarnings("ArrayRecordComponent") // Counts on their way into lists; never compared.
  private record Counted(String name, Bins bins, long[][] byWindow, long[][] bySlot) {}

  private List<Standardised> standardised(Counted feature) {
    List<Standardised> statistics = new ArrayList<>();
    for (Statistic statistic : DriftStatistics.of(feature.bins.kind())) {
      double[] values = new double[windows];
      Arrays.fill(values, Double.NaN);
      for (int w = 0; w < windows; w++) {
        if (starts[w + 1] - starts[w] < EVENTS_MIN) {
          continue;
        }
        long[] window = feature.byWindow[w];
        long[] others = feature.bySlot[slot(w)].clone();
        long left = 0;
        for (int bin = 0; bin < others.length; bin++) {
          others[bin] -= window[bin];
          left += others[bin];
        }
        if (left > 0) {
          values[w] = DriftStatistics.value(statistic, feature.bins, others, window);
        }
      }
      statistics.add(new Standardised(statistic, values));
    }
    return statistics;
  }

  private List<Standardised> performance() {
    ScoredSums[] sums = new ScoredSums[windows];
    for (int w = 0; w < windows; w++) {
      sums[w] = new ScoredSums();
      for (int row = starts[w]; row < starts[w + 1]; row++) {
        if (!Double.isNaN(rows.labels()[row])) {
          sums[w].add(rows.scores()[row], rows.labels()[row]);
        }
      }
    }
    List<Standardised> statistics = new ArrayList<>();
    for (Statistic statistic : PERFORMANCE) {
      double[] values = new double[windows];
      Arrays.setAll(values, w -> sums[w].value(statistic));
      statistics.add(new Standardised(statistic, values));
    }
    return statistics;
  }

  /** One statistic in every reference window: its mean and deviation by slot. */
  private final class Standardised {
    private final Statistic statistic;
    private final @Nullable Double[] mean = new Double[slots.slots()];
    private final @Nullable Double[] sd = new Double[slots.slots()];

    Standardised(Statistic statistic, double[] values) {
      this.statistic = statistic;
      int[] count = new int[slots.slots()];
      double[] sum = new double[slots.slots()];
      double[] events = new double[slots.slots()];
      double[] scaled = new double[windows];
      for (int w = 0; w < windows; w++) {
        scaled[w] = Double.isNaN(values[w]) ? Double.NaN : statistic.scaled(values[w]);
        if (!Double.isNaN(scaled[w])) {
          count[slot(w)]++;
          sum[slot(w)] += scaled[w];
          events[slot(w)] += starts[w + 1] - starts[w];
        }
      }
      double[] squares = new double[slots.slots()];
      for (int w = 0; w < windows; w++) {
        if (!Double.isNaN(scaled[w])) {
          double off = scaled[w] - sum[slot(w)] / count[slot(w)];
          squares[slot(w)] += off * off;
        }
      }
      double pooledSquares = 0;
      double pooledFreedom = 0;
      for (int s = 0; s < count.length; s++) {
        pooledSquares += squares[s];
        pooledFreedom += Math.max(0, count[s] - 1);
      }
      if (!sufficient || pooledFreedom == 0) {
        return;
      }
      double pooled = pooledSquares / pooledFreedom;
      for (int s = 0; s < count.length; s++) {
        if (count[s] >= SLOT_WINDOWS_MIN) {
          mean[s] = sum[s] / count[s];
          sd[s] =
              Math.max(
                  statistic.floor(events[s] / count[s]), deviation(squares[s], count[s], pooled));
        }
      }
      for (int w = 0; w < windows; w++) {
        int s = slot(w);
        int others = count[s] - 1;
        if (Double.isNaN(scaled[w]) || count[s] < SLOT_WINDOWS_MIN) {
          continue;
        }
        double meanOfOthers = (sum[s] - scaled[w]) / others;
        double off = scaled[w] - sum[s] / count[s];
        double squaresOfOthers = Math.max(0, squares[s] - off * off * count[s] / others);
        double sdOfOthers =
            Math.max(
                statistic.floor(events[s] / count[s]), deviation(squaresOfOthers, others, pooled));
        largestOfWindow[w] = Math.max(largestOfWindow[w], (scaled[w] - meanOfOthers) / sdOfOthers);
      }
    }

    private double deviation(double squares, int count, double pooled) {
      return Math.sqrt((POOLED_WEIGHT * pooled + squares) / (POOLED_WEIGHT + count - 1));
    }

    ReferenceProfile.Standard standard(@Nullable Double z) {
      @Nullable Double[] threshold = new Double[mean.length];
      for (int s = 0; s < mean.length; s++) {
        Double m = mean[s];
        Double d = sd[s];
        threshold[s] = z == null || m == null || d == null ? null : statistic.unscaled(m + z * d);
      }
      return new ReferenceProfile.Standard(
          statistic,
          Collections.unmodifiableList(Arrays.asList(mean)),
          Collections.unmodifiableList(Arrays.asList(sd)),
          Collections.unmodifiableList(Arrays.asList(threshold)));
    }
  }

  /** The largest standardised value of each day of the reference. */
  private double[] dayMaxima() {
    List<Double> days = new ArrayList<>();
    long day = Long.MIN_VALUE;
    for (int w = 0; w < windows; w++) {
      if (largestOfWindow[w] == Double.NEGATIVE_INFINITY) {
        continue;
      }
      long dayOfWindow = Math.floorDiv(startMillis(w), DAY_MILLIS);
      if (days.isEmpty() || dayOfWindow != day) {
        days.add(largestOfWindow[w]);
        day = dayOfWindow;
      } else {
        days.set(days.size() - 1, Math.max(days.get(days.size() - 1), largestOfWindow[w]));
      }
    }
    return days.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
