package dev.millrace.inference;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The score of one event, as on the topic.
 *
 * @param entityKeys by entity: the key values joined as in Redis
 * @param version the deployed version; 0 where none is
 * @param sha256 of the artifact that scored; null for a fallback
 * @param inputs by input name, as served; null where an input was missing
 * @param freshness by view
 */
record Prediction(
    String predictionId,
    String eventId,
    Map<String, String> entityKeys,
    long eventTimeMillis,
    long scoredAtMillis,
    String model,
    int version,
    @Nullable String sha256,
    Role role,
    @Nullable String experiment,
    @Nullable String arm,
    @Nullable Double propensity,
    double score,
    @Nullable String decision,
    Map<String, @Nullable Double> inputs,
    Map<String, String> freshness,
    @Nullable String deploymentId) {

  Prediction {
    entityKeys = Map.copyOf(entityKeys);
    inputs = Collections.unmodifiableMap(new LinkedHashMap<>(inputs));
    freshness = Map.copyOf(freshness);
  }
}
