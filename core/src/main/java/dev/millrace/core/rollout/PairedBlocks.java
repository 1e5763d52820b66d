package dev.millrace.core.rollout;

import dev.millrace.core.definition.Model.Rollout;
import dev.millrace.core.rollout.RolloutState.Comparison;
import dev.millrace.core.rollout.RolloutState.Progress;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;

/**
 * Gathers the comparisons of a rollout into blocks, whose means are its observations: complete ones
 * only, aligned to the first whole window.
 */
final class PairedBlocks {

  /**
   * A probation that holds fewer blocks is judged in blocks of a quarter: with ten, the tenth would
   * be complete only as the probation ends, and nothing could ever be rolled back.
   */
  private static final int PROBATION_BLOCKS_MIN = 20;

  private static final int PROBATION_SPLIT = 4;

  private final Rollout plan;
  private final long windowMillis;

  PairedBlocks(Rollout plan, long windowMillis) {
    this.plan = plan;
    this.windowMillis = windowMillis;
  }

  /** Of shadow and canary: all blocks since the shadow began. */
  Evidence sinceShadow(RolloutState state, Progress progress) {
    return evidence(state, progress, plan.block(), plan.shadow());
  }

  Evidence ofProbation(RolloutState state, Progress progress) {
    return evidence(state, progress, probationBlock(), plan.probation());
  }

  private Duration probationBlock() {
    if (plan.block().multipliedBy(PROBATION_BLOCKS_MIN).compareTo(plan.probation()) <= 0) {
      return plan.block();
    }
    long quarterMillis = plan.block().toMillis() / PROBATION_SPLIT;
    return Duration.ofMillis(Math.max(1, upTo(quarterMillis) / windowMillis) * windowMillis);
  }

  private Evidence evidence(
      RolloutState state, Progress progress, Duration block, Duration planned) {
    long sinceMillis = Objects.requireNonNull(progress.pairsSinceMillis());
    long firstMillis = upTo(sinceMillis);
    long nowMillis = state.now();
    long blockMillis = block.toMillis();
    TreeMap<Long, double[]> blocks = new TreeMap<>();
    long pairs = 0;
    for (Comparison c : state.comparisons()) {
      int sign =
          c.version() == progress.version() && c.baseline() == progress.baseline()
              ? 1
              : c.version() == progress.baseline() && c.baseline() == progress.version() ? -1 : 0;
      if (sign == 0 || c.windowStartMillis() < firstMillis) {
        continue;
      }
      long index = (c.windowStartMillis() - firstMillis) / blockMillis;
      if (upTo(firstMillis + (index + 1) * blockMillis) > nowMillis) {
        continue;
      }
      double[] sums = blocks.computeIfAbsent(index, i -> new double[2]);
      sums[0] += sign * c.gain() * c.pairs();
      sums[1] += c.pairs();
      pairs += c.pairs();
    }
    List<Double> means = blocks.values().stream().map(s -> s[0] / s[1]).toList();
    double tau = Math.max(RolloutControl.BLOCKS_MIN, (double) planned.toMillis() / blockMillis);
    return new Evidence(
        ConfidenceSequence.of(means, RolloutControl.ALPHA, tau),
        plan.hypothesis(),
        plan.margin(),
        blockMillis,
        tau,
        pairs,
        sinceMillis,
        nowMillis);
  }

  /** The next start of a window at or after a time. */
  private long upTo(long millis) {
    return -Math.floorDiv(-millis, windowMillis) * windowMillis;
  }
}
