package dev.millrace.drift;

import dev.millrace.core.drift.Measure;
import dev.millrace.core.drift.ReferenceProfile;
import dev.millrace.core.drift.Statistic;
import dev.millrace.core.row.ValueText;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Every record of both topics, computed again from the whole of the input by loops over lists. It
 * shares the profile with the job, and the names of things, but no computation.
 */
final class NaiveMeasures {

  /**
   * What a record says.
   *
   * @param value NaN for null, as the threshold
   */
  record Said(
      double value,
      double threshold,
      String status,
      long count,
      long labelled,
      long referenceCount,
      Map<String, Long> counts,
      double variance,
      long sinceMillis) {}

  private record Scores(int version, Role role, double score) {}

  private final Map<Integer, ReferenceProfile> profiles;
  private final long waitMillis;
  private final Map<String, Scored> served = new LinkedHashMap<>();
  private final Map<String, Map<Integer, Double>> shadows = new HashMap<>();
  private final Map<String, Label> labels = new HashMap<>();

  final Map<String, Said> drift = new TreeMap<>();
  final Map<String, Said> performance = new TreeMap<>();
  int lateLabels;

  NaiveMeasures(
      Map<Integer, ReferenceProfile> profiles,
      long waitMillis,
      List<Scored> predictions,
      List<Scored> shadowScores,
      List<Label> allLabels) {
    this.profiles = profiles;
    this.waitMillis = waitMillis;
    for (Scored prediction : predictions) {
      served.putIfAbsent(prediction.eventId(), prediction);
    }
    for (Scored shadow : shadowScores) {
      shadows
          .computeIfAbsent(shadow.eventId(), e -> new TreeMap<>())
          .putIfAbsent(shadow.version(), shadow.score());
    }
    List<Label> inOrder = new ArrayList<>(allLabels);
    inOrder.sort(
        Comparator.comparingLong(Label::timeMillis).thenComparingLong(l -> l.event().offset()));
    for (Label label : inOrder) {
      Scored event = served.get(label.eventId());
      if (event != null && label.timeMillis() > event.timeMillis()) {
        if (label.timeMillis() <= event.timeMillis() + this.waitMillis) {
          labels.put(label.eventId(), label);
        } else {
          lateLabels++;
        }
      }
    }
    TreeSet<Long> windows = new TreeSet<>();
    served.values().forEach(s -> windows.add(window(s)));
    windows.forEach(this::driftOf);
    windows.forEach(this::performanceOf);
    pageHinkley(windows);
  }

  private static long window(Scored scored) {
    return Math.floorDiv(scored.timeMillis(), Payments.HOUR) * Payments.HOUR;
  }

  private List<Scored> servedIn(long window, @Nullable String segment) {
    return served.values().stream()
        .filter(s -> window(s) == window)
        .filter(s -> segment == null || segment.equals("channel=" + s.segments()[0]))
        .toList();
  }

  private List<@Nullable String> segments(long window) {
    TreeSet<String> values = new TreeSet<>();
    for (Scored scored : servedIn(window, null)) {
      if (scored.segments()[0] != null) {
        values.add("channel=" + scored.segments()[0]);
      }
    }
    List<@Nullable String> segments = new ArrayList<>(values);
    segments.add(null);
    return segments;
  }

  private void driftOf(long window) {
    for (Map.Entry<Integer, ReferenceProfile> version : profiles.entrySet()) {
      for (String segment : segments(window)) {
        List<Scored> events =
            servedIn(window, segment).stream()
                .filter(s -> s.version() == version.getKey())
                .toList();
        if (events.isEmpty()) {
          continue;
        }
        ReferenceProfile profile = version.getValue();
        for (int f = 0; f < profile.features().size(); f++) {
          driftOf(window, version.getKey(), segment, events, profile, f);
        }
      }
    }
  }

  private void driftOf(
      long window,
      int version,
      @Nullable String segment,
      List<Scored> events,
      ReferenceProfile profile,
      int f) {
    ReferenceProfile.Feature feature = profile.features().get(f);
    List<String> names = names(feature);
    Map<String, Long> counts = new TreeMap<>();
    for (Scored event : events) {
      double value = f < 2 ? event.inputs()[f] : event.score();
      counts.merge(name(feature, value), 1L, Long::sum);
    }
    int slot = slot(profile, window);
    List<Long> reference = feature.counts().get(slot);
    long referenceCount = reference.stream().mapToLong(Long::longValue).sum();
    double psi = 0;
    double jensenShannon = 0;
    for (int bin = 0; bin < names.size(); bin++) {
      double r = (reference.get(bin) + 0.5) / (referenceCount + 0.5 * names.size());
      double c =
          (counts.getOrDefault(names.get(bin), 0L) + 0.5) / (events.size() + 0.5 * names.size());
      psi += (r - c) * (Math.log(r) - Math.log(c));
      double m = (r + c) / 2;
      jensenShannon += (r * log2(r / m) + c * log2(c / m)) / 2;
    }
    Map<Statistic, Double> values = new HashMap<>();
    values.put(Statistic.PSI, psi);
    values.put(Statistic.JENSEN_SHANNON, Math.sqrt(jensenShannon));
    values.put(Statistic.NULL_RATE, counts.getOrDefault("null", 0L) / (double) events.size());
    values.put(
        Statistic.UNSEEN_CATEGORIES, counts.getOrDefault("other", 0L) / (double) events.size());
    for (ReferenceProfile.Standard standard : feature.statistics()) {
      double value = number(values.get(standard.statistic()));
      Double threshold = segment == null ? standard.threshold().get(slot) : null;
      String status;
      if (events.size() < 30) {
        status = "TOO_FEW_EVENTS";
      } else if (threshold == null) {
        status = "INSUFFICIENT_REFERENCE";
      } else {
        status = value > threshold ? "DRIFTED" : "OK";
      }
      drift.put(
          key(version, "", segment, window, feature.name() + " " + standard.statistic()),
          new Said(
              value,
              number(threshold),
              status,
              events.size(),
              0,
              referenceCount,
              counts,
              Double.NaN,
              -1));
    }
  }

  private static List<String> names(ReferenceProfile.Feature feature) {
    List<String> names = new ArrayList<>();
    List<Double> values = feature.values();
    if (feature.kind() == ReferenceProfile.Kind.CATEGORICAL) {
      values.forEach(v -> names.add(ValueText.of((double) v)));
      names.add("other");
    } else {
      for (int i = 0; i + 1 < values.size(); i++) {
        names.add(range(values, i));
      }
      names.add("under");
      names.add("over");
    }
    names.add("null");
    return names;
  }

  private static String range(List<Double> edges, int i) {
    return "["
        + ValueText.of((double) edges.get(i))
        + ","
        + ValueText.of((double) edges.get(i + 1))
        + (i + 2 == edges.size() ? "]" : ")");
  }

  private static String name(ReferenceProfile.Feature feature, double value) {
    List<Double> values = feature.values();
    if (Double.isNaN(value)) {
      return "null";
    }
    if (feature.kind() == ReferenceProfile.Kind.CATEGORICAL) {
      return values.contains(value) ? ValueText.of(value) : "other";
    }
    if (value < values.get(0)) {
      return "under";
    }
    for (int i = 0; i + 1 < values.size(); i++) {
      if (value < values.get(i + 1) || (i + 2 == values.size() && value == values.get(i + 1))) {
        return range(values, i);
      }
    }
    return "over";
  }

  private void performanceOf(long window) {
    for (String segment : segments(window)) {
      Map<String, List<double[]>> labelled = new TreeMap<>();
      Map<String, Integer> count = new TreeMap<>();
      for (Scored event : servedIn(window, segment)) {
        for (Scores scores : scoresOf(event)) {
          if (segment != null && scores.role == Role.SHADOW) {
            continue;
          }
          String who = scores.version + " " + scores.role;
          count.merge(who, 1, Integer::sum);
          labelled.computeIfAbsent(who, w -> new ArrayList<>());
          Label label = labels.get(event.eventId());
          if (label != null) {
            labelled.get(who).add(new double[] {scores.score, label.value()});
          }
        }
      }
      count.forEach(
          (who, n) -> metrics(window, segment, who, n, labelled.getOrDefault(who, List.of())));
    }
    pairs(window);
  }

  private List<Scores> scoresOf(Scored event) {
    List<Scores> scores = new ArrayList<>();
    scores.add(new Scores(event.version(), event.role(), event.score()));
    shadows
        .getOrDefault(event.eventId(), Map.of())
        .forEach((version, score) -> scores.add(new Scores(version, Role.SHADOW, score)));
    return scores;
  }

  private void metrics(
      long window, @Nullable String segment, String who, int count, List<double[]> events) {
    int version = Integer.parseInt(who.substring(0, who.indexOf(' ')));
    Map<Statistic, Double> values = new LinkedHashMap<>();
    values.put(
        Statistic.LOG_LOSS,
        events.stream().mapToDouble(e -> loss(e[0], e[1])).average().orElse(Double.NaN));
    values.put(
        Statistic.BRIER,
        events.stream().mapToDouble(e -> Math.pow(e[0] - e[1], 2)).average().orElse(Double.NaN));
    values.put(Statistic.CALIBRATION_ERROR, calibrationError(events));
    values.put(Statistic.AUC, auc(events));
    values.forEach(
        (statistic, value) -> {
          double said = events.size() < 30 ? Double.NaN : value;
          ReferenceProfile profile = profiles.get(version);
          Double threshold = null;
          if (profile != null && segment == null) {
            for (ReferenceProfile.Standard standard : profile.performance()) {
              if (standard.statistic() == statistic) {
                threshold = standard.threshold().get(slot(profile, window));
              }
            }
          }
          String status = "NO_THRESHOLD";
          if (Double.isNaN(said)) {
            status = "TOO_FEW_LABELS";
          } else if (threshold != null) {
            boolean bad = statistic == Statistic.AUC ? said < threshold : said > threshold;
            status = bad ? "ALARM" : "OK";
          }
          performance.put(
              key(
                  version,
                  who.substring(who.indexOf(' ') + 1),
                  segment,
                  window,
                  statistic.toString()),
              new Said(
                  said,
                  number(threshold),
                  status,
                  count,
                  events.size(),
                  0,
                  Map.of(),
                  Double.NaN,
                  -1));
        });
  }

  private void pairs(long window) {
    Map<String, List<Double>> differences = new TreeMap<>();
    for (Scored event : servedIn(window, null)) {
      Label label = labels.get(event.eventId());
      if (label == null) {
        continue;
      }
      for (Scores a : scoresOf(event)) {
        for (Scores b : scoresOf(event)) {
          if (a.version > b.version && b.version > 0) {
            differences
                .computeIfAbsent(a.version + " " + b.version, p -> new ArrayList<>())
                .add(loss(b.score, label.value()) - loss(a.score, label.value()));
          }
        }
      }
    }
    differences.forEach(
        (pair, all) -> {
          double mean = all.stream().mapToDouble(d -> d).average().orElseThrow();
          double squares = all.stream().mapToDouble(d -> (d - mean) * (d - mean)).sum();
          performance.put(
              key(0, "ANY", null, window, "LOG_LOSS_DELTA " + pair),
              new Said(
                  mean,
                  Double.NaN,
                  "NO_THRESHOLD",
                  all.size(),
                  all.size(),
                  0,
                  Map.of(),
                  all.size() < 2 ? Double.NaN : squares / (all.size() - 1),
                  -1));
        });
  }

  private void pageHinkley(Set<Long> windows) {
    profiles.forEach(
        (version, profile) -> {
          double mean = number(profile.pageHinkley().mean());
          double lambda = number(profile.pageHinkley().lambda());
          double weight = profile.pageHinkley().weight();
          double total = weight * mean;
          double sum = 0;
          double lowest = 0;
          long seen = 0;
          long since = 0;
          for (long window : windows) {
            List<Scored> events =
                servedIn(window, null).stream()
                    .filter(s -> s.version() == version && s.role() != Role.FALLBACK)
                    .sorted(
                        Comparator.comparingLong(Scored::timeMillis).thenComparing(Scored::eventId))
                    .toList();
            if (events.isEmpty()) {
              continue;
            }
            double largest = Double.NaN;
            long largestSince = -1;
            int labelled = 0;
            for (Scored event : events) {
              Label label = labels.get(event.eventId());
              if (label == null) {
                continue;
              }
              labelled++;
              double p = event.score();
              double entropy = -p * Math.log(p) - (1 - p) * Math.log(1 - p);
              if (sum <= lowest + 1e-12) {
                since = event.timeMillis();
              }
              double residual = loss(p, label.value()) - entropy;
              seen++;
              total += residual;
              sum += residual - total / (weight + seen) - profile.pageHinkley().delta();
              lowest = Math.min(lowest, sum);
              if (Double.isNaN(largest) || sum - lowest > largest) {
                largest = sum - lowest;
                largestSince = largest > 0 ? since : -1;
              }
            }
            String status = "TOO_FEW_LABELS";
            if (labelled > 0) {
              status = largest > lambda ? "ALARM" : "OK";
            }
            performance.put(
                key(version, "ANY", null, window, "PAGE_HINKLEY"),
                new Said(
                    largest,
                    lambda,
                    status,
                    events.size(),
                    labelled,
                    0,
                    Map.of(),
                    Double.NaN,
                    largestSince));
          }
        });
  }

  private static double calibrationError(List<double[]> events) {
    double error = 0;
    for (int bin = 0; bin < 10; bin++) {
      double difference = 0;
      for (double[] event : events) {
        if ((int) Math.min(9, event[0] * 10) == bin) {
          difference += event[0] - event[1];
        }
      }
      error += Math.abs(difference);
    }
    return error / events.size();
  }

  private static double auc(List<double[]> events) {
    double wins = 0;
    long pairs = 0;
    long positives = events.stream().filter(e -> e[1] >= 0.5).count();
    if (positives < 5 || events.size() - positives < 5) {
      return Double.NaN;
    }
    for (double[] positive : events) {
      for (double[] negative : events) {
        if (positive[1] >= 0.5 && negative[1] < 0.5) {
          pairs++;
          wins += Math.signum((double) rank(positive[0]) - rank(negative[0])) / 2 + 0.5;
        }
      }
    }
    return wins / pairs;
  }

  /** The score's log-odds in thousandths of the way from the least to the most. */
  private static long rank(double score) {
    double most = Math.log(999_999);
    return (long) Math.floor((Math.log(score / (1 - score)) + most) / (2 * most) * 1000);
  }

  private static double loss(double score, double label) {
    return label == 1 ? -Math.log(score) : -Math.log(1 - score);
  }

  private static int slot(ReferenceProfile profile, long window) {
    return switch (profile.slots()) {
      case HOUR_OF_DAY -> (int) (window / Payments.HOUR % 24);
      default -> throw new AssertionError("two weeks of reference are hours of the day");
    };
  }

  private static double log2(double x) {
    return Math.log(x) / Math.log(2);
  }

  private static double number(@Nullable Double value) {
    return value == null ? Double.NaN : value;
  }

  private static String key(
      int version, String role, @Nullable String segment, long window, String what) {
    return version + " " + role + " " + segment + " " + window + " " + what;
  }

  /** The key under which a record of the job is found here. */
  static String key(Measured measured) {
    Measure measure = measured.measure();
    if (measure.statistic() == Statistic.LOG_LOSS_DELTA) {
      return key(
          0,
          measured.role(),
          measured.segment(),
          measured.windowStartMillis(),
          measure.statistic() + " " + measured.version() + " " + measured.baseline());
    }
    return key(
        measured.version(),
        measured.role(),
        measured.segment(),
        measured.windowStartMillis(),
        measure.feature().isEmpty()
            ? measure.statistic().toString()
            : measure.feature() + " " + measure.statistic());
  }
}
