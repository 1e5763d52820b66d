package dev.millrace.scoring.explain;

import dev.millrace.core.drift.ReferenceProfile;
import java.util.List;
import java.util.Random;

/**
 * Rows like those that a version was trained on, to compare one with. The reference profile keeps
 * each input for itself, so here inputs do not go with one another as they do in the data.
 */
public final class Background {

  private Background() {}

  /**
   * Draws rows.
   *
   * @param inputs the signature; each is among the profile's features
   */
  public static double[][] of(ReferenceProfile profile, List<String> inputs, int rows, long seed) {
    double[][] drawn = new double[rows][inputs.size()];
    Random random = new Random(seed);
    for (int column = 0; column < inputs.size(); column++) {
      String name = inputs.get(column);
      ReferenceProfile.Feature feature =
          profile.features().stream()
              .filter(f -> f.name().equals(name))
              .findFirst()
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "Cannot compare input " + name + ": the reference profile has none"));
      long[] counts = counts(feature);
      for (double[] row : drawn) {
        row[column] = drawn(feature, counts, random);
      }
    }
    return drawn;
  }

  private static long[] counts(ReferenceProfile.Feature feature) {
    long[] counts = new long[feature.counts().get(0).size()];
    for (List<Long> slot : feature.counts()) {
      for (int bin = 0; bin < counts.length; bin++) {
        counts[bin] += slot.get(bin);
      }
    }
    return counts;
  }

  /** A value of a bin, as often as the bin was seen; of a range any, of what has none NaN. */
  private static double drawn(ReferenceProfile.Feature feature, long[] counts, Random random) {
    long all = 0;
    for (long count : counts) {
      all += count;
    }
    if (all == 0) {
      return Double.NaN;
    }
    long place = (long) (random.nextDouble() * all);
    double within = random.nextDouble();
    int bin = 0;
    while (place >= counts[bin]) {
      place -= counts[bin];
      bin++;
    }
    List<Double> values = feature.values();
    if (feature.kind() == ReferenceProfile.Kind.CATEGORICAL) {
      return bin < values.size() ? values.get(bin) : Double.NaN;
    }
    if (values.isEmpty() || bin >= Math.max(1, values.size() - 1)) {
      return Double.NaN;
    }
    double low = values.get(bin);
    double high = values.get(Math.min(bin + 1, values.size() - 1));
    return low + within * (high - low);
  }
}
