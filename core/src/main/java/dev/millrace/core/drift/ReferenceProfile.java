package dev.millrace.core.drift;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.definition.Model;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a version was trained on, frozen with it: what its inputs, its score and its errors were
 * like in each slot of the season, and from where on a window is no longer like that.
 *
 * @param format of this file
 * @param windowMillis of event time that one statistic covers
 * @param fromMillis of the first reference window
 * @param toMillis end of the last reference window
 * @param rows in the reference windows
 * @param windows how many reference windows there are
 * @param sufficient whether there are the 7 days that thresholds need
 * @param thresholds how they were made; part of what the file's hash pins
 * @param features the inputs in the model's order, then {@code score}
 * @param performance of the cross-fitted scores
 */
public record ReferenceProfile(
    int format,
    String model,
    List<String> inputs,
    long windowMillis,
    long seasonMillis,
    long fromMillis,
    long toMillis,
    long rows,
    long windows,
    boolean sufficient,
    SlotScheme slots,
    Thresholds thresholds,
    List<Feature> features,
    List<Standard> performance,
    PageHinkley.Parameters pageHinkley) {

  /** The name under which the score stands among the features. */
  public static final String SCORE = "score";

  static final int FORMAT = 1;

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER)
          .enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER)
          .enable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
          .build();

  public ReferenceProfile {
    inputs = List.copyOf(inputs);
    features = List.copyOf(features);
    performance = List.copyOf(performance);
  }

  /** Whether an input's values are cut into ranges, or each stands for itself. */
  public enum Kind {
    NUMERIC,
    CATEGORICAL
  }

  /**
   * How the thresholds were chosen.
   *
   * @param standardised the number of standard deviations, on each statistic's own scale, that is
   *     an alarm; null where the reference is not enough
   * @param largest that a reference window reached
   * @param falseAlarms accepted in {@code perMillis}, over all statistics
   * @param method its name
   * @param seed of what is drawn
   */
  public record Thresholds(
      @Nullable Double standardised,
      @Nullable Double largest,
      double falseAlarms,
      long perMillis,
      String method,
      long seed) {}

  /**
   * An input, or the score.
   *
   * @param values NUMERIC: the edges, growing, smallest and largest reference value included;
   *     CATEGORICAL: the categories
   * @param counts by slot: the reference events in each bin
   */
  public record Feature(
      String name,
      Kind kind,
      List<Double> values,
      List<List<Long>> counts,
      List<Standard> statistics) {
    public Feature {
      values = List.copyOf(values);
      counts = counts.stream().map(List::copyOf).toList();
      statistics = List.copyOf(statistics);
    }
  }

  /**
   * What a statistic was like in the reference windows, by slot. A slot without enough windows has
   * null.
   *
   * @param mean on the statistic's own scale ({@link Statistic#scaled})
   * @param sd the same, with a floor
   * @param threshold as a value
   */
  public record Standard(
      Statistic statistic,
      List<@Nullable Double> mean,
      List<@Nullable Double> sd,
      List<@Nullable Double> threshold) {}

  /**
   * Makes the profile of a version.
   *
   * @param seed of what is drawn for the thresholds
   */
  public static ReferenceProfile of(
      String model, ReferenceRows rows, Model.Monitoring monitoring, long seed) {
    return new ProfileMaking(model, rows, monitoring, seed).profile();
  }

  /** The file's bytes; their SHA-256 is the profile's identity. */
  public byte[] json() {
    try {
      return JSON.writeValueAsString(this).getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Cannot write the reference profile of " + model, e);
    }
  }

  /** SHA-256 of {@link #json}, in hex. */
  @JsonIgnore
  public String sha256() {
    return sha256(json());
  }

  /** SHA-256 of a file's bytes, in hex. */
  public static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Cannot hash: this Java has no SHA-256", e);
    }
  }

  /**
   * Reads a file's bytes.
   *
   * @throws IOException where they are no profile of this format
   */
  public static ReferenceProfile parse(byte[] json) throws IOException {
    ReferenceProfile profile = JSON.readValue(json, ReferenceProfile.class);
    if (profile.format != FORMAT) {
      throw new IOException(
          "Cannot read a reference profile of format "
              + profile.format
              + ": this version knows "
              + FORMAT
              + "; train the model again");
    }
    return profile;
  }
}
