package dev.millrace.core.rollout;

import dev.millrace.core.definition.Model.Hypothesis;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the blocks so far say of the challenger; more is better. */
record Evidence(
    ConfidenceSequence sequence,
    Hypothesis hypothesis,
    double margin,
    long blockMillis,
    double planned,
    long pairs,
    long sinceMillis,
    long untilMillis) {

  boolean goodEnough() {
    Double low = sequence.low();
    return sequence.count() >= RolloutControl.BLOCKS_MIN && low != null && low > bound();
  }

  boolean harm() {
    Double high = sequence.high();
    return sequence.count() >= RolloutControl.BLOCKS_MIN && high != null && high < bound();
  }

  private double bound() {
    return hypothesis == Hypothesis.SUPERIOR ? 0 : -margin;
  }

  String says(String verdict) {
    Double mean = sequence.mean();
    Double low = sequence.low();
    Double high = sequence.high();
    if (mean == null || low == null || high == null) {
      return verdict + ": " + sequence.count() + " blocks";
    }
    return String.format(
        Locale.ROOT,
        "%s: gain in log loss %.5f [%.5f, %.5f] in %d blocks, bound %.5f",
        verdict,
        mean,
        low,
        high,
        sequence.count(),
        bound());
  }

  String json() {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("blocks", sequence.count());
    fields.put("block", Duration.ofMillis(blockMillis).toString());
    fields.put("planned_blocks", planned);
    fields.put("pairs", pairs);
    fields.put("mean", sequence.mean());
    fields.put("low", sequence.low());
    fields.put("high", sequence.high());
    fields.put("alpha", RolloutControl.ALPHA);
    fields.put("hypothesis", hypothesis.name());
    fields.put("margin", margin);
    fields.put("from", Instant.ofEpochMilli(sinceMillis).toString());
    fields.put("to", Instant.ofEpochMilli(untilMillis).toString());
    return JsonFields.of(fields);
  }
}
