package dev.millrace.core.drift;

import dev.millrace.core.row.ValueText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The bins of one input, fixed by the reference.
 *
 * <p>Numeric: ranges of equal mass between the smallest and the largest reference value, each with
 * its lower edge and the last also with its upper one, then under, over and null. Categorical: a
 * bin each category, then other and null.
 */
public final class Bins {

  static final int RANGES_MAX = 10;
  static final int CATEGORIES_MAX = 20;

  private final ReferenceProfile.Kind kind;
  private final double[] values;
  private final int ranges;

  public Bins(ReferenceProfile.Kind kind, List<Double> values) {
    this.kind = kind;
    this.values = values.stream().mapToDouble(Double::doubleValue).toArray();
    this.ranges =
        kind == ReferenceProfile.Kind.CATEGORICAL
            ? this.values.length
            : Math.max(1, this.values.length - 1);
  }

  /** The bins that fit a column; NaN is null. */
  static Bins of(double[] column, int from, int to) {
    double[] sorted = new double[to - from];
    int n = 0;
    for (int i = from; i < to; i++) {
      if (!Double.isNaN(column[i])) {
        // -0 and 0 are one value.
        sorted[n++] = column[i] + 0.0;
      }
    }
    sorted = Arrays.copyOf(sorted, n);
    Arrays.sort(sorted);
    List<Double> distinct = new ArrayList<>();
    for (int i = 0; i < n && distinct.size() <= CATEGORIES_MAX; i++) {
      if (i == 0 || sorted[i] != sorted[i - 1]) {
        distinct.add(sorted[i]);
      }
    }
    if (distinct.size() <= CATEGORIES_MAX) {
      return new Bins(ReferenceProfile.Kind.CATEGORICAL, distinct);
    }
    List<Double> edges = new ArrayList<>();
    for (int i = 0; i <= RANGES_MAX; i++) {
      double edge = sorted[(int) ((long) (n - 1) * i / RANGES_MAX)];
      if (edges.isEmpty() || edge != edges.get(edges.size() - 1)) {
        edges.add(edge);
      }
    }
    return new Bins(ReferenceProfile.Kind.NUMERIC, edges);
  }

  ReferenceProfile.Kind kind() {
    return kind;
  }

  List<Double> values() {
    return Arrays.stream(values).boxed().toList();
  }

  /** How many bins there are. */
  public int size() {
    return ranges + (kind == ReferenceProfile.Kind.CATEGORICAL ? 2 : 3);
  }

  /** The bin of a value; NaN is null. */
  public int bin(double value) {
    if (Double.isNaN(value)) {
      return nullBin();
    }
    if (kind == ReferenceProfile.Kind.CATEGORICAL) {
      int found = Arrays.binarySearch(values, value + 0.0);
      return found >= 0 ? found : ranges;
    }
    if (value < values[0]) {
      return ranges;
    }
    if (value > values[values.length - 1]) {
      return ranges + 1;
    }
    int found = Arrays.binarySearch(values, value + 0.0);
    int range = found >= 0 ? found : -found - 2;
    return Math.min(range, ranges - 1);
  }

  /** The bin of values that are missing. */
  public int nullBin() {
    return size() - 1;
  }

  /** The bin of categories that the reference does not have; -1 for numbers. */
  public int otherBin() {
    return kind == ReferenceProfile.Kind.CATEGORICAL ? ranges : -1;
  }

  /** A bin's name on the records. */
  public String binName(int bin) {
    if (bin == nullBin()) {
      return "null";
    }
    if (kind == ReferenceProfile.Kind.CATEGORICAL) {
      return bin == ranges ? "other" : ValueText.of(values[bin]);
    }
    if (bin == ranges) {
      return "under";
    }
    if (bin == ranges + 1) {
      return "over";
    }
    return "["
        + ValueText.of(values[bin])
        + ","
        + ValueText.of(values[Math.min(bin + 1, values.length - 1)])
        + (bin == ranges - 1 ? "]" : ")");
  }
}
