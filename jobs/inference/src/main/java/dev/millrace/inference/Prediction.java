package dev.millrace.inference;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The score of one event, as on the topic. Its maps and lists are the maker's, who leaves them
 * alone: one is made for each event.
 *
 * @param entityKeys by entity: the key values joined as in Redis
 * @param version the deployed version; 0 where none is
 * @param sha256 of the artifact that scored; null for a fallback
 * @param inputs by input name, as served: Doubles and Strings; null where an input was missing
 * @param freshness by view
 * @param rows by view, without those that had no row
 * @param shadows the versions that scored the same event besides; not part of the record, it goes
 *     into a header
 * @param segments the values of the fields that the model's monitoring names, joined by U+001F,
 *     nothing for null; null where it names none. It goes into a header too
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
    Map<String, @Nullable Object> inputs,
    Map<String, String> freshness,
    @Nullable String deploymentId,
    Map<String, RowOrigin> rows,
    List<Integer> shadows,
    @Nullable String segments) {

  /** A prediction of no rows, that no other version made too. */
  Prediction(
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
      Map<String, @Nullable Object> inputs,
      Map<String, String> freshness,
      @Nullable String deploymentId) {
    this(
        predictionId,
        eventId,
        entityKeys,
        eventTimeMillis,
        scoredAtMillis,
        model,
        version,
        sha256,
        role,
        experiment,
        arm,
        propensity,
        score,
        decision,
        inputs,
        freshness,
        deploymentId,
        Map.of(),
        List.of(),
        null);
  }
}
