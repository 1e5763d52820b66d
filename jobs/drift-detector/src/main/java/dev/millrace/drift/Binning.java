package dev.millrace.drift;

import dev.millrace.core.drift.Reference;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;

/**
 * Replaces the inputs of a served prediction by their bins in its version's profile: a byte each,
 * before anything is shuffled.
 */
final class Binning extends RichMapFunction<Scored, Scored> {

  private static final long serialVersionUID = 1L;

  private final DriftPlan plan;
  private final References references;
  private transient References.Met met;
  private transient Map<Integer, int[]> positions;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first element.
  Binning(DriftPlan plan, References references) {
    this.plan = plan;
    this.references = references;
  }

  @Override
  public void open(OpenContext context) {
    met =
        new References.Met(
            references,
            plan.model(),
            getRuntimeContext().getMetricGroup().counter("unmeasuredVersions"));
    positions = new HashMap<>();
  }

  @Override
  public Scored map(Scored scored) {
    Reference reference = met.of(scored.version());
    if (reference == null) {
      return scored.binned(Scored.NO_BINS);
    }
    int[] inputs =
        positions.computeIfAbsent(
            scored.version(), v -> positions(reference.profile().inputs(), plan.inputs()));
    byte[] bins = new byte[reference.features()];
    for (int f = 0; f < inputs.length; f++) {
      double value = inputs[f] < 0 ? Double.NaN : scored.inputs()[inputs[f]];
      bins[f] = (byte) reference.bin(f, value);
    }
    bins[inputs.length] = (byte) reference.bin(inputs.length, scored.score());
    return scored.binned(bins);
  }

  /** Where the profile's inputs are among the plan's: the definition may have changed since. */
  private static int[] positions(List<String> profile, List<String> plan) {
    return profile.stream().mapToInt(plan::indexOf).toArray();
  }
}
