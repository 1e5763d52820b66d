package dev.millrace.trainer;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Scored events with what was known of each at its own time, and how it turned out. Rows ascend by
 * (event time, event id), so the same warehouse gives the same set.
 *
 * @param inputs the model's signature
 * @param columns one array of values for each input, as they would have been served: NaN, or what
 *     the model says, where one is missing
 * @param labels what became of each event
 */
public record TrainingSet(
    String project,
    String model,
    Bounds bounds,
    List<String> inputs,
    String[] eventIds,
    long[] timesMillis,
    double[][] columns,
    double[] labels,
    Origin origin) {

  public TrainingSet {
    inputs = List.copyOf(inputs);
  }

  /**
   * Which events take part: those of (start, end]; and what may be known of them: nothing with an
   * event time beyond {@code knownMillis}.
   */
  public record Bounds(long startMillis, long endMillis, long knownMillis) {}

  /**
   * Where the set came from, for its lineage.
   *
   * @param snapshots the Iceberg snapshot of each table that was read
   * @param views the definition id of each view
   * @param events events in the window, each id once
   * @param repeats events left out because their id came earlier
   * @param unlabelled events left out because they have no label
   * @param uncomputed on-demand values that could not be computed and count as missing
   */
  public record Origin(
      Map<String, Long> snapshots,
      Map<String, String> views,
      long events,
      long repeats,
      long unlabelled,
      long uncomputed) {

    public Origin {
      snapshots = new TreeMap<>(snapshots);
      views = new TreeMap<>(views);
    }
  }

  /** Rows. */
  public int size() {
    return labels.length;
  }

  /** The column of an input. */
  public int column(String input) {
    int at = inputs.indexOf(input);
    if (at < 0) {
      throw new IllegalArgumentException(
          "Cannot find input %s in the training set of %s: it has %s"
              .formatted(input, model, inputs));
    }
    return at;
  }

  /** The first row whose event time is later. */
  public int firstAfter(long millis) {
    int low = 0;
    int high = timesMillis.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (timesMillis[middle] <= millis) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Sha256 over names and all values, in hex: equal for equal content, whatever the file. */
  public String sha256() {
    MessageDigest digest = digest();
    for (String input : inputs) {
      update(digest, input);
    }
    ByteBuffer row = ByteBuffer.allocate((columns.length + 2) * Double.BYTES);
    for (int i = 0; i < labels.length; i++) {
      update(digest, eventIds[i]);
      row.clear();
      row.putLong(timesMillis[i]);
      for (double[] column : columns) {
        row.putDouble(column[i]);
      }
      row.putDouble(labels[i]);
      digest.update(row.flip());
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static void update(MessageDigest digest, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).flip());
    digest.update(bytes);
  }

  static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Cannot hash: every Java has SHA-256", e);
    }
  }
}
