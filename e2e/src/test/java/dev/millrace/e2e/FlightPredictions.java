package dev.millrace.e2e;

import dev.millrace.schemas.Wire;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.avro.generic.GenericRecord;

/** What the flights example has predicted on a stack. */
final class FlightPredictions {

  private final Stack stack;

  FlightPredictions(Stack stack) {
    this.stack = stack;
  }

  /** The ids of predictions by the id of their event. */
  Map<String, Set<String>> ids() {
    Map<String, Set<String>> ids = new HashMap<>();
    predictions(
        p ->
            ids.computeIfAbsent(String.valueOf(p.get("event_id")), k -> new HashSet<>())
                .add(String.valueOf(p.get("prediction_id"))));
    return ids;
  }

  /** How many there are of each role. */
  Map<String, Integer> roles() {
    Map<String, Integer> roles = new TreeMap<>();
    predictions(p -> roles.merge(String.valueOf(p.get("role")), 1, Integer::sum));
    return roles;
  }

  /** How many are of the champion with this artifact. */
  int championsWith(String sha256) {
    int[] count = {0};
    predictions(
        p -> {
          if (String.valueOf(p.get("role")).equals("CHAMPION")
              && sha256.equals(String.valueOf(p.get("sha256")))) {
            count[0]++;
          }
        });
    return count[0];
  }

  private void predictions(Consumer<GenericRecord> each) {
    try {
      TopicRecords.each(stack.target(), "flights.predictions.delay_risk", Wire.PREDICTION, each);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
