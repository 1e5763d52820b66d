package dev.millrace.core.retrain;

import dev.millrace.core.definition.Model.Retraining;
import dev.millrace.core.retrain.RetrainDecision.Suppression;
import dev.millrace.core.retrain.RetrainState.Champion;
import dev.millrace.core.retrain.RetrainState.Episode;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What speaks against a request although there is a cause. */
final class SuppressionRules {

  private static final Duration WEEK = Duration.ofDays(7);
  private static final int MINUTES_OF_DAY = 24 * 60;

  private final Retraining policy;
  private final Episodes episodes;

  SuppressionRules(Retraining policy, Episodes episodes) {
    this.policy = policy;
    this.episodes = episodes;
  }

  /** The first rule that holds against a request now; null: none does. */
  @Nullable Suppression first(
      RetrainState state, Episode episode, boolean inRollout, Champion champion, long now) {
    Long ready = episodes.readyMillis(episode);
    long last = state.requests().stream().mapToLong(r -> r).max().orElse(Long.MIN_VALUE);
    long ofWeek = state.requests().stream().filter(r -> r > now - WEEK.toMillis()).count();
    if (state.paused()) {
      return Suppression.PAUSED;
    } else if (inRollout) {
      return Suppression.IN_ROLLOUT;
    } else if (ready != null && now < ready) {
      return Suppression.WAITING_FOR_LABELS;
    } else if (state.labelsSince(champion) < policy.minLabels()) {
      return Suppression.TOO_FEW_LABELS;
    } else if (last != Long.MIN_VALUE && now < last + policy.cooldown().toMillis()) {
      return Suppression.COOLDOWN;
    } else if (ofWeek >= policy.maxPerWeek()) {
      return Suppression.BUDGET;
    } else if (quiet(now)) {
      return Suppression.QUIET;
    }
    return null;
  }

  private boolean quiet(long now) {
    Retraining.Quiet quiet = policy.quiet();
    if (quiet == null) {
      return false;
    }
    long minute = Math.floorMod(Math.floorDiv(now, 60_000L), (long) MINUTES_OF_DAY);
    return quiet.fromMinute() <= quiet.toMinute()
        ? minute >= quiet.fromMinute() && minute < quiet.toMinute()
        : minute >= quiet.fromMinute() || minute < quiet.toMinute();
  }
}
