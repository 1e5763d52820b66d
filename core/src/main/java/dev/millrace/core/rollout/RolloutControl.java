package dev.millrace.core.rollout;

import dev.millrace.core.definition.Model.Rollout;
import dev.millrace.core.lifecycle.LifecycleRules;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.rollout.RolloutState.Comparison;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Takes a validated version through shadow, canary steps, promotion and probation, and back where
 * it is worse. A pure fold: what was seen of a model gives the next state, steps, commands to the
 * registry and alerts.
 *
 * <p>Champion and challenger score the same events, so what counts is the difference of their
 * clipped log loss on each. Differences of neighbouring events are alike; means of long blocks are
 * nearly independent, and over them a {@link ConfidenceSequence} may be looked at as often as one
 * likes. Below {@value #BLOCKS_MIN} blocks nothing is decided. Time alone never promotes: what is
 * open after {@value #SHADOW_PATIENCE} times the shadow's length is withdrawn.
 *
 * <p>What the registry did comes in by {@link RegistryEvents}, what the comparisons say by {@link
 * StageDecisions}; both ask of the registry what {@link RegistryCommands} can.
 */
public final class RolloutControl {

  /** Below it the variance of the blocks' means is too uncertain. */
  public static final int BLOCKS_MIN = 10;

  /** After how many lengths of the shadow an open comparison is given up. */
  public static final int SHADOW_PATIENCE = 3;

  /** How often the intervals of one rollout may miss the truth, over all looks. */
  public static final double ALPHA = 0.05;

  static final String ACTOR = LifecycleRules.TRIGGER;

  private static final int COMPARISONS_MAX = 20_000;

  private final String model;
  private final @Nullable Rollout rollout;
  private final long windowMillis;

  /**
   * @param rollout null: nothing happens by itself
   * @param window of the performance records
   */
  public RolloutControl(String model, @Nullable Rollout rollout, Duration window) {
    this.model = model;
    this.rollout = rollout;
    this.windowMillis = window.toMillis();
  }

  /**
   * What follows from one input.
   *
   * @param commands their time is the writer's to set
   */
  public record Outcome(
      RolloutState state,
      List<RolloutStep> steps,
      List<LifecycleEntry> commands,
      List<Alert> alerts) {
    public Outcome {
      steps = List.copyOf(steps);
      commands = List.copyOf(commands);
      alerts = List.copyOf(alerts);
    }
  }

  /** A performance record came. */
  public Outcome on(RolloutState state, Measured measured) {
    if (rollout == null) {
      return new Outcome(state, List.of(), List.of(), List.of());
    }
    RolloutTurn turn = new RolloutTurn(model, state);
    compare(turn, measured);
    Long before = turn.state().time().nowMillis();
    turn.become(turn.state().time(turn.state().time().after(measured.windowEndMillis())));
    if (!Objects.equals(before, turn.state().time().nowMillis())) {
      forget(turn, rollout);
      StageRoles roles = new StageRoles(rollout);
      decisions(turn, rollout, roles, new RegistryCommands(turn, roles)).decide();
    }
    return turn.outcome();
  }

  /** An entry of the registry's journal came. */
  public Outcome on(RolloutState state, LifecycleEntry entry) {
    if (rollout == null
        || entry.kind() != LifecycleEntry.Kind.EVENT
        || !entry.model().equals(model)) {
      return new Outcome(state, List.of(), List.of(), List.of());
    }
    RolloutTurn turn = new RolloutTurn(model, state);
    StageRoles roles = new StageRoles(rollout);
    RegistryCommands commands = new RegistryCommands(turn, roles);
    StageDecisions decisions = decisions(turn, rollout, roles, commands);
    new RegistryEvents(turn, roles, commands, decisions).happened(entry);
    return turn.outcome();
  }

  private StageDecisions decisions(
      RolloutTurn turn, Rollout plan, StageRoles roles, RegistryCommands commands) {
    return new StageDecisions(turn, plan, roles, commands, new PairedBlocks(plan, windowMillis));
  }

  private static void compare(RolloutTurn turn, Measured measured) {
    Integer baseline = measured.baseline();
    Double gain = measured.value();
    if (!measured.metric().equals(Measured.LOG_LOSS_DELTA)
        || measured.segment() != null
        || baseline == null
        || gain == null
        || !Double.isFinite(gain)
        || measured.labelled() <= 0) {
      return;
    }
    Comparison comparison =
        new Comparison(
            measured.windowStartMillis(),
            measured.windowEndMillis(),
            measured.version(),
            baseline,
            gain,
            measured.labelled());
    List<Comparison> next = new ArrayList<>(turn.state().comparisons());
    next.removeIf(comparison::sameAs);
    next.add(comparison);
    if (next.size() > COMPARISONS_MAX) {
      next = next.subList(next.size() - COMPARISONS_MAX, next.size());
    }
    turn.become(turn.state().comparisons(next));
  }

  /** Comparisons that no rollout can reach any more go. */
  private static void forget(RolloutTurn turn, Rollout plan) {
    Duration longest =
        plan.shadow()
            .multipliedBy(SHADOW_PATIENCE)
            .plus(plan.step().multipliedBy(plan.canary().size()))
            .plus(plan.probation())
            .plus(plan.block().multipliedBy(BLOCKS_MIN))
            .plusDays(30);
    long oldestMillis = turn.now() - longest.toMillis();
    if (turn.state().comparisons().stream().anyMatch(c -> c.windowEndMillis() < oldestMillis)) {
      turn.become(
          turn.state()
              .comparisons(
                  turn.state().comparisons().stream()
                      .filter(c -> c.windowEndMillis() >= oldestMillis)
                      .toList()));
    }
  }
}
