package dev.millrace.core.rollout;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All that rollout control knows of a model. Bounded: comparisons are kept as long as the longest
 * rollout can last, deployments as many as a rollback can reach.
 *
 * @param comparisons of two versions on the same events, by window, in the order they came
 * @param standing the deployments that are in force, the newest last
 * @param candidate a validated version that waits for its turn
 * @param progress the rollout under way
 * @param paused whether nothing is to happen by itself
 */
public record RolloutState(
    MatureTime time,
    List<Comparison> comparisons,
    List<Standing> standing,
    @Nullable Candidate candidate,
    @Nullable Progress progress,
    boolean paused) {

  public static final RolloutState EMPTY =
      new RolloutState(MatureTime.UNKNOWN, List.of(), List.of(), null, null, false);

  public RolloutState {
    comparisons = List.copyOf(comparisons);
    standing = List.copyOf(standing);
  }

  /**
   * Two versions on the labelled events of one window.
   *
   * @param gain mean clipped log loss of the baseline less that of the version
   */
  public record Comparison(
      long windowStartMillis,
      long windowEndMillis,
      int version,
      int baseline,
      double gain,
      long pairs) {

    boolean sameAs(Comparison other) {
      return windowStartMillis == other.windowStartMillis
          && windowEndMillis == other.windowEndMillis
          && version == other.version
          && baseline == other.baseline;
    }
  }

  /** A version that wants to succeed the champion. */
  public record Candidate(int version, @Nullable String requestId) {}

  /** Where a rollout is. */
  public enum Stage {
    SHADOW,
    CANARY,
    PROBATION,
    /** It is decided; what it put in place is taken away. */
    CLOSING
  }

  /**
   * A rollout under way.
   *
   * @param version the challenger; in probation the new champion
   * @param step of the canary, from 0
   * @param command the key of the command whose effect is awaited; null once it is in effect
   * @param commandType of that command
   * @param commandDetails of that command, to give it again where it was refused
   * @param attempt of that command, from 1
   * @param again whether it has to be given again
   * @param deploymentId that the awaited command brought under way, or that is in effect
   * @param stageSinceMillis event time from which the stage's deployment holds; null while awaited
   * @param pairsSinceMillis event time from which the comparisons count
   */
  public record Progress(
      String rolloutId,
      @Nullable String requestId,
      int version,
      int baseline,
      Stage stage,
      int step,
      @Nullable String command,
      @Nullable String commandType,
      @Nullable String commandDetails,
      int attempt,
      boolean again,
      @Nullable String deploymentId,
      @Nullable Long stageSinceMillis,
      @Nullable Long pairsSinceMillis) {

    Progress atStep(int next) {
      return with(next, command, attempt, again, deploymentId);
    }

    Progress under(@Nullable String deployment) {
      return with(step, command, attempt, again, deployment);
    }

    Progress awaiting(@Nullable String key, int times, boolean onceMore) {
      return with(step, key, times, onceMore, null);
    }

    /** At its beginning, with nothing awaited yet. */
    static Progress of(
        String rolloutId, @Nullable String requestId, int version, int baseline, Stage stage) {
      return new Progress(
          rolloutId, requestId, version, baseline, stage, 0, null, null, null, 1, false, null, null,
          null);
    }

    /** In another stage, with nothing awaited. */
    Progress inStage(Stage next, int atStep) {
      return new Progress(
          rolloutId,
          requestId,
          version,
          baseline,
          next,
          atStep,
          null,
          null,
          null,
          1,
          false,
          null,
          null,
          pairsSinceMillis);
    }

    /** On the way to a stage, by a command that is awaited. */
    Progress given(Stage next, String key, String type, String details) {
      return new Progress(
          rolloutId,
          requestId,
          version,
          baseline,
          next,
          step,
          key,
          type,
          details,
          1,
          false,
          null,
          null,
          pairsSinceMillis);
    }

    /** With the stage's deployment in effect. */
    Progress inEffect(
        @Nullable String deployment, long sinceMillis, @Nullable Long comparedSinceMillis) {
      return new Progress(
          rolloutId,
          requestId,
          version,
          baseline,
          stage,
          step,
          null,
          null,
          null,
          1,
          false,
          deployment,
          sinceMillis,
          comparedSinceMillis);
    }

    private Progress with(
        int nextStep,
        @Nullable String key,
        int times,
        boolean onceMore,
        @Nullable String deployment) {
      return new Progress(
          rolloutId,
          requestId,
          version,
          baseline,
          stage,
          nextStep,
          key,
          commandType,
          commandDetails,
          times,
          onceMore,
          deployment,
          stageSinceMillis,
          pairsSinceMillis);
    }
  }

  RolloutState time(MatureTime next) {
    return new RolloutState(next, comparisons, standing, candidate, progress, paused);
  }

  RolloutState comparisons(List<Comparison> next) {
    return new RolloutState(time, next, standing, candidate, progress, paused);
  }

  RolloutState standing(List<Standing> next) {
    return new RolloutState(time, comparisons, next, candidate, progress, paused);
  }

  RolloutState candidate(@Nullable Candidate next) {
    return new RolloutState(time, comparisons, standing, next, progress, paused);
  }

  RolloutState progress(@Nullable Progress next) {
    return new RolloutState(time, comparisons, standing, candidate, next, paused);
  }

  RolloutState paused(boolean next) {
    return new RolloutState(time, comparisons, standing, candidate, progress, next);
  }

  /** The newest deployment in force. */
  @Nullable Standing current() {
    return standing.isEmpty() ? null : standing.get(standing.size() - 1);
  }

  /** How far labels are mature. */
  long now() {
    Long now = time.nowMillis();
    return now == null ? 0 : now;
  }

  /** A challenger is on its way, or in probation, or waits for its turn. */
  public boolean busy() {
    return progress != null || candidate != null;
  }
}
