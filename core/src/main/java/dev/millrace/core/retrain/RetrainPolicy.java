package dev.millrace.core.retrain;

import dev.millrace.core.definition.Model.Cause;
import dev.millrace.core.definition.Model.Retraining;
import dev.millrace.core.definition.Model.Training;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.retrain.RetrainDecision.Suppression;
import dev.millrace.core.retrain.RetrainState.Champion;
import dev.millrace.core.retrain.RetrainState.Episode;
import dev.millrace.core.rollout.Measured;
import dev.millrace.core.rollout.RolloutStep;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether a model is trained again. A pure fold: what was seen of a model gives the next
 * state and decisions; also the decision not to is one, each time its reason changes.
 *
 * <p>Causes, always of the serving champion and over all its events:
 *
 * <ul>
 *   <li>performance: {@code log_loss}, {@code auc} or {@code calibration_error} alarms in at least
 *       {@value #ALARMED_WINDOWS_MIN} of the last {@value #WINDOWS_JUDGED} windows, so that one
 *       noisy window is no cause;
 *   <li>concept: one alarm of {@code page_hinkley}, which itself looks over many windows;
 *   <li>covariate: one drifted statistic of an input or the score;
 *   <li>schedule: so long since the end of the champion's training window, or else since it serves.
 * </ul>
 *
 * <p>An episode begins with the first cause. It ends with a new champion, or when nothing has
 * alarmed for {@value #QUIET_DAYS} days, counted from when a request was possible at the earliest.
 * It makes one request; where that comes to nothing (the version is rejected, its rollout fails)
 * another after the cooldown.
 *
 * <p>{@link RetrainMemory} keeps what is seen, {@link Episodes} finds causes in it, {@link
 * SuppressionRules} say why not now.
 */
public final class RetrainPolicy {

  /** How many windows have to alarm for the cause performance. */
  public static final int ALARMED_WINDOWS_MIN = 2;

  /** Among how many. */
  public static final int WINDOWS_JUDGED = 6;

  /** After how many days without an alarm an episode ends. */
  public static final int QUIET_DAYS = 3;

  static final Duration QUIET_AFTER = Duration.ofDays(QUIET_DAYS);

  private final String model;
  private final @Nullable Retraining retraining;
  private final @Nullable Spans training;

  /**
   * @param retraining null: nothing happens by itself
   * @param training null likewise: there is nothing to train it with
   */
  public RetrainPolicy(String model, @Nullable Retraining retraining, @Nullable Spans training) {
    this.model = model;
    this.retraining = retraining;
    this.training = training;
  }

  /**
   * How long a training looks back, and what it needs of that.
   *
   * @param window of all events; validation and holdout are its end
   */
  public record Spans(Duration window, Duration validation, Duration holdout)
      implements Serializable {
    public static Spans of(Training training) {
      return new Spans(training.window(), training.validation(), training.holdout());
    }
  }

  /** What follows from one input. */
  public record Outcome(RetrainState state, List<RetrainDecision> decisions) {
    public Outcome {
      decisions = List.copyOf(decisions);
    }
  }

  /**
   * A performance record came.
   *
   * @param inRollout whether a challenger is on its way or in probation
   */
  public Outcome on(RetrainState state, Measured measured, boolean inRollout) {
    return turn(state, inRollout, s -> RetrainMemory.after(s, measured));
  }

  /** A window drifted. */
  public Outcome on(RetrainState state, Drifted drifted, boolean inRollout) {
    return turn(state, inRollout, s -> RetrainMemory.after(s, drifted));
  }

  /** An entry of the registry's journal came. */
  public Outcome on(RetrainState state, LifecycleEntry entry, boolean inRollout) {
    if (entry.kind() != LifecycleEntry.Kind.EVENT || !entry.model().equals(model)) {
      return new Outcome(state, List.of());
    }
    return turn(state, inRollout, s -> RetrainMemory.after(s, entry));
  }

  /** A rollout took a step. */
  public Outcome on(RetrainState state, RolloutStep step, boolean inRollout) {
    return turn(
        state,
        inRollout,
        s ->
            step.decision().endsBadly() && step.requestId() != null
                ? RetrainMemory.released(s, step.requestId())
                : s);
  }

  private Outcome turn(
      RetrainState state, boolean inRollout, UnaryOperator<RetrainState> consumed) {
    if (retraining == null || training == null) {
      return new Outcome(state, List.of());
    }
    Turn turn = new Turn(consumed.apply(state), retraining, training);
    turn.decide(inRollout);
    return new Outcome(turn.state, turn.decisions);
  }

  /** What follows from the state as one input left it. */
  private final class Turn {
    private final Retraining policy;
    private final Episodes episodes;
    private final SuppressionRules suppressions;
    private final DecisionWriting writing;
    private RetrainState state;
    private final List<RetrainDecision> decisions = new ArrayList<>();

    Turn(RetrainState state, Retraining policy, Spans recipe) {
      this.state = state;
      this.policy = policy;
      this.episodes = new Episodes(model, policy, recipe);
      this.suppressions = new SuppressionRules(policy, episodes);
      this.writing = new DecisionWriting(model, policy, recipe, episodes);
    }

    void decide(boolean inRollout) {
      Long now = state.time().nowMillis();
      Champion champion = state.champion();
      if (now == null) {
        return;
      }
      state = RetrainMemory.forgetting(state, policy.cooldown(), now);
      if (champion == null || champion.version() == null) {
        return;
      }
      Episode episode = episodes.at(state, champion, champion.version(), now);
      state = state.episode(episode);
      if (episode != null) {
        notEnabled(episode, now);
        judge(inRollout, champion, now);
      }
    }

    private void notEnabled(Episode episode, long now) {
      Set<Cause> said = EnumSet.noneOf(Cause.class);
      said.addAll(episode.notEnabledSaid());
      for (Cause cause : episode.causes()) {
        if (!policy.on().contains(cause) && said.add(cause)) {
          decisions.add(
              writing.decision(
                  state,
                  episode,
                  List.of(cause),
                  Suppression.CAUSE_NOT_ENABLED.name(),
                  false,
                  now));
        }
      }
      state = state.episode(episode.saying(said, episode.said(), episode.requestId()));
    }

    private void judge(boolean inRollout, Champion champion, long now) {
      Episode episode = Objects.requireNonNull(state.episode());
      List<Cause> enabled = episode.causes().stream().filter(policy.on()::contains).toList();
      if (enabled.isEmpty() || episode.requestId() != null) {
        return;
      }
      Suppression suppression = suppressions.first(state, episode, inRollout, champion, now);
      if (suppression != null) {
        if (!suppression.name().equals(episode.said())) {
          decisions.add(writing.decision(state, episode, enabled, suppression.name(), false, now));
          state = state.episode(episode.saying(episode.notEnabledSaid(), suppression.name(), null));
        }
        return;
      }
      RetrainDecision request = writing.decision(state, episode, enabled, "", true, now);
      decisions.add(request);
      state =
          state
              .episode(episode.saying(episode.notEnabledSaid(), null, request.requestId()))
              .requested(now);
    }
  }
}
