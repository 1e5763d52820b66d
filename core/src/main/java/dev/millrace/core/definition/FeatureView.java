package dev.millrace.core.definition;

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
    String id) {

  public FeatureView {
    keyFields = List.copyOf(keyFields);
    features = List.copyOf(features);
  }

  public enum Accuracy {
    EXACT,
    TILED
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
