package dev.millrace.core.definition;

import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A named set of windowed features of one entity over one source.
 *
 * @param keyFields the source's field for each of the entity's keys, in the entity's order
 * @param filter CEL over the source's fields, or null where every event counts
 * @param features every feature in the order of the definition, one for each aggregation and window
 * @param maxEventsPerKey how many events an exact view keeps of one entity; further ones become
 *     dead letters
 * @param redis how its rows stand in the online store, and what happens while that is away
 * @param id the first 12 hex digits of the sha256 over everything that decides a row's values
 */
public record FeatureView(
    String name,
    Entity entity,
    String source,
    List<String> keyFields,
    @Nullable String filter,
    Accuracy accuracy,
    Duration refresh,
    Duration allowedLateness,
    Duration ttl,
    List<Feature> features,
    int maxEventsPerKey,
    RedisOptions redis,
    String id) {

  /** What {@code max-events-per-key} is where it is left out. */
  public static final int MAX_EVENTS_PER_KEY = 100_000;

  public FeatureView {
    keyFields = List.copyOf(keyFields);
    features = List.copyOf(features);
  }

  /** With the defaults of what is left out. */
  public FeatureView(
      String name,
      Entity entity,
      String source,
      List<String> keyFields,
      @Nullable String filter,
      Accuracy accuracy,
      Duration refresh,
      Duration allowedLateness,
      Duration ttl,
      List<Feature> features,
      String id) {
    this(
        name,
        entity,
        source,
        keyFields,
        filter,
        accuracy,
        refresh,
        allowedLateness,
        ttl,
        features,
        MAX_EVENTS_PER_KEY,
        RedisOptions.DEFAULT,
        id);
  }

  public enum Accuracy {
    EXACT,
    TILED
  }

  /** The view's rows in Redis; neither part changes a value. */
  public record RedisOptions(Layout layout, Unavailable unavailable) implements Serializable {

    public static final RedisOptions DEFAULT = new RedisOptions(Layout.MILLRACE, Unavailable.WAIT);

    /** How a row is written. */
    public enum Layout {
      /** A hash a person can read, of one view and entity. */
      MILLRACE,
      /** Feast's online store: one binary hash for all views of an entity. */
      FEAST
    }

    /** What becomes of rows while Redis cannot be written. */
    public enum Unavailable {
      /** The job waits, and so holds its sources back. */
      WAIT,
      /** The rows are counted and left out; the log has them. */
      SKIP
    }
  }

  /** The view under another definition id. */
  FeatureView withId(String newId) {
    return new FeatureView(
        name,
        entity,
        source,
        keyFields,
        filter,
        accuracy,
        refresh,
        allowedLateness,
        ttl,
        features,
        maxEventsPerKey,
        redis,
        newId);
  }

  public Optional<Feature> feature(String featureName) {
    return features.stream().filter(f -> f.name().equals(featureName)).findFirst();
  }

  /** The longest window of the view; zero where none of its features has one. */
  public Duration longestWindow() {
    return features.stream()
        .map(f -> f.window() == null ? Duration.ZERO : f.window())
        .max(Duration::compareTo)
        .orElse(Duration.ZERO);
  }
}
