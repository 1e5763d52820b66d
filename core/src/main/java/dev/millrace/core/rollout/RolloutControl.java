package dev.millrace.core.rollout;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.definition.Model.Hypothesis;
import dev.millrace.core.definition.Model.Rollout;
import dev.millrace.core.lifecycle.LifecycleRules;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.rollout.RolloutState.Candidate;
import dev.millrace.core.rollout.RolloutState.Comparison;
import dev.millrace.core.rollout.RolloutState.Progress;
import dev.millrace.core.rollout.RolloutState.Stage;
import dev.millrace.core.rollout.RolloutStep.Phase;
import dev.millrace.core.rollout.RolloutStep.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
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
 */
public final class RolloutControl {

  /** Below it the variance of the blocks' means is too uncertain. */
  public static final int BLOCKS_MIN = 10;

  /** After how many lengths of the shadow an open comparison is given up. */
  public static final int SHADOW_PATIENCE = 3;

  /** How often the intervals of one rollout may miss the truth, over all looks. */
  public static final double ALPHA = 0.05;

  /**
   * A probation that holds fewer blocks is judged in blocks of a quarter: with ten, the tenth would
   * be complete only as the probation ends, and nothing could ever be rolled back.
   */
  static final int PROBATION_BLOCKS_MIN = 20;

  static final String ACTOR = LifecycleRules.TRIGGER;

  /** What the registry says of a deployment whose subtasks were away: they will be back. */
  private static final String NOT_READY_IN_TIME = "did not get ready";

  private static final int PROBATION_SPLIT = 4;
  private static final int ATTEMPTS_MAX = 10;
  private static final int COMPARISONS_MAX = 20_000;
  private static final int STANDING_MAX = 64;
  private static final JsonMapper JSON = new JsonMapper();

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
    Turn turn = new Turn(state, rollout);
    turn.measured(measured);
    return turn.outcome();
  }

  /** An entry of the registry's journal came. */
  public Outcome on(RolloutState state, LifecycleEntry entry) {
    if (rollout == null
        || entry.kind() != LifecycleEntry.Kind.EVENT
        || !entry.model().equals(model)) {
      return new Outcome(state, List.of(), List.of(), List.of());
    }
    Turn turn = new Turn(state, rollout);
    turn.happened(entry);
    return turn.outcome();
  }

  /** One input's way through the fold. */
  private final class Turn {
    private final Rollout plan;
    private RolloutState state;
    private final List<RolloutStep> steps = new ArrayList<>();
    private final List<LifecycleEntry> commands = new ArrayList<>();
    private final List<Alert> alerts = new ArrayList<>();

    Turn(RolloutState state, Rollout plan) {
      this.state = state;
      this.plan = plan;
    }

    Outcome outcome() {
      return new Outcome(state, steps, commands, alerts);
    }

    void measured(Measured measured) {
      Integer baseline = measured.baseline();
      Double gain = measured.value();
      if (measured.metric().equals(Measured.LOG_LOSS_DELTA)
          && measured.segment() == null
          && baseline != null
          && gain != null
          && Double.isFinite(gain)
          && measured.labelled() > 0) {
        compared(
            new Comparison(
                measured.windowStartMillis(),
                measured.windowEndMillis(),
                measured.version(),
                baseline,
                gain,
                measured.labelled()));
      }
      Long before = state.time().nowMillis();
      state = state.time(state.time().after(measured.windowEndMillis()));
      if (!Objects.equals(before, state.time().nowMillis())) {
        forget();
        decide();
      }
    }

    void happened(LifecycleEntry event) {
      if (event.is(LifecycleEntry.Event.VERSION_VALIDATED)) {
        String requestId = Standing.text(Standing.details(event), "request_id");
        if (requestId != null && event.version() != null) {
          state = state.candidate(new Candidate(event.version(), requestId));
        }
      } else if (event.is(LifecycleEntry.Event.VERSION_REJECTED)
          || event.is(LifecycleEntry.Event.VERSION_ARCHIVED)) {
        Candidate candidate = state.candidate();
        if (candidate != null && Objects.equals(candidate.version(), event.version())) {
          state = state.candidate(null);
        }
      } else if (event.is(LifecycleEntry.Event.DEPLOYMENT_PREPARING)) {
        Progress progress = state.progress();
        if (progress != null && event.idempotencyKey().equals(progress.command())) {
          state = state.progress(progress.under(Standing.of(event).deploymentId()));
        }
      } else if (event.is(LifecycleEntry.Event.DEPLOYMENT_EFFECTIVE)) {
        effective(Standing.of(event), event.idempotencyKey());
      } else if (event.is(LifecycleEntry.Event.DEPLOYMENT_REVOKED)) {
        revoked(Standing.of(event), event);
      } else if (event.is(LifecycleEntry.Event.REFUSED)) {
        refused(event);
      } else if (event.is(LifecycleEntry.Event.MODEL_PAUSED)) {
        state = state.paused(true);
      } else if (event.is(LifecycleEntry.Event.MODEL_RESUMED)) {
        state = state.paused(false);
        decide();
      }
      start();
    }

    private void compared(Comparison comparison) {
      List<Comparison> next = new ArrayList<>(state.comparisons());
      next.removeIf(comparison::sameAs);
      next.add(comparison);
      if (next.size() > COMPARISONS_MAX) {
        next = next.subList(next.size() - COMPARISONS_MAX, next.size());
      }
      state = state.comparisons(next);
    }

    /** Comparisons that no rollout can reach any more go. */
    private void forget() {
      Duration longest =
          plan.shadow()
              .multipliedBy(SHADOW_PATIENCE)
              .plus(plan.step().multipliedBy(plan.canary().size()))
              .plus(plan.probation())
              .plus(plan.block().multipliedBy(BLOCKS_MIN))
              .plusDays(30);
      long oldestMillis = now() - longest.toMillis();
      if (state.comparisons().stream().anyMatch(c -> c.windowEndMillis() < oldestMillis)) {
        state =
            state.comparisons(
                state.comparisons().stream()
                    .filter(c -> c.windowEndMillis() >= oldestMillis)
                    .toList());
      }
    }

    // What the registry did.

    private void start() {
      Candidate candidate = state.candidate();
      Standing current = state.current();
      Integer champion = current == null ? null : current.champion();
      if (state.paused() || state.progress() != null || candidate == null || champion == null) {
        return;
      }
      state = state.candidate(null);
      if (candidate.version() <= champion) {
        return;
      }
      String requestId = Objects.requireNonNullElse(candidate.requestId(), "");
      Progress progress =
          new Progress(
              JoinedId.brief(List.of(model, requestId)),
              candidate.requestId(),
              candidate.version(),
              champion,
              Stage.SHADOW,
              0,
              null,
              null,
              null,
              1,
              false,
              null,
              null,
              null);
      step(progress, Phase.SHADOW, 0, Verdict.STARTED, "version was validated", null);
      stage(progress, Stage.SHADOW, 0, null, 0, List.of(progress.version()), "to be compared");
    }

    private void effective(Standing next, String key) {
      Standing former = state.current();
      boolean known =
          next.deploymentId() != null
              && state.standing().stream()
                  .anyMatch(s -> next.deploymentId().equals(s.deploymentId()));
      List<Standing> standing = new ArrayList<>(state.standing());
      standing.removeIf(
          s -> s.deploymentId() != null && s.deploymentId().equals(next.deploymentId()));
      standing.add(next);
      if (standing.size() > STANDING_MAX) {
        standing.remove(0);
      }
      state = state.standing(standing);
      Progress progress = state.progress();
      String requestId = null;
      Progress ahead = progress == null ? null : ahead(progress, next, key);
      if (ahead != null) {
        inEffect(ahead, next);
      } else if (progress != null) {
        if (progress.command() != null) {
          if (awaited(progress, next, key)) {
            inEffect(progress, next);
          } else if (progress.stage() != Stage.CLOSING && !possible(progress, next)) {
            requestId = ofVersion(progress, next);
            endedByHand(progress, next);
          } else if (progress.again() && !state.paused()) {
            giveAgain(progress);
          }
        } else if (!intact(progress, next)) {
          requestId = ofVersion(progress, next);
          endedByHand(progress, next);
        }
      }
      Integer champion = next.champion();
      Integer before = former == null ? null : former.champion();
      if (state.progress() == null
          && !known
          && champion != null
          && before != null
          && !champion.equals(before)
          && next.shadows().contains(before)) {
        probationByHand(next, champion, before, requestId);
      }
    }

    /**
     * Where the rollout is after all, where one of its own steps took effect that was not given
     * yet: the journal is read again, by a job without its state, and runs before the measures.
     */
    private @Nullable Progress ahead(Progress progress, Standing next, String key) {
      if (!key.startsWith(progress.rolloutId() + "/") || awaited(progress, next, key)) {
        return null;
      }
      Progress probation = progress.inStage(Stage.PROBATION, 0);
      if (intact(probation, next)) {
        return probation;
      }
      for (int step = 0; step < plan.canary().size(); step++) {
        Progress canary = progress.inStage(Stage.CANARY, step);
        if (intact(canary, next)) {
          return canary;
        }
      }
      Progress closing = progress.inStage(Stage.CLOSING, 0);
      return awaited(closing, next, "") ? closing : null;
    }

    private @Nullable String ofVersion(Progress progress, Standing next) {
      return Objects.equals(next.champion(), progress.version()) ? progress.requestId() : null;
    }

    private void probationByHand(
        Standing next, int champion, int before, @Nullable String requestId) {
      long sinceMillis = next.effectiveMillis() == null ? now() : next.effectiveMillis();
      String deploymentId = String.valueOf(next.deploymentId());
      Progress progress =
          new Progress(
              JoinedId.brief(List.of(model, deploymentId)),
              requestId,
              champion,
              before,
              Stage.PROBATION,
              0,
              null,
              null,
              null,
              1,
              false,
              next.deploymentId(),
              sinceMillis,
              sinceMillis);
      state = state.progress(progress);
      step(progress, Phase.PROBATION, 0, Verdict.STARTED, "version was promoted by hand", null);
      step(
          progress,
          Phase.PROBATION,
          0,
          Verdict.EFFECTIVE,
          "serves from " + Instant.ofEpochMilli(sinceMillis),
          null);
    }

    private boolean awaited(Progress progress, Standing next, String key) {
      if (key.equals(progress.command())
          || (next.deploymentId() != null && next.deploymentId().equals(progress.deploymentId()))) {
        return true;
      }
      return switch (progress.stage()) {
        case SHADOW, CANARY, PROBATION -> intact(progress, next);
        case CLOSING ->
            next.serves(progress.version())
                ? !next.shadows().contains(progress.baseline()) && next.canary() == null
                : !next.has(progress.version());
      };
    }

    /** Whether the stage's roles are as the rollout needs them. */
    private boolean intact(Progress progress, Standing standing) {
      return switch (progress.stage()) {
        case SHADOW ->
            standing.sameRoles(progress.baseline(), null, 0)
                && standing.shadows().contains(progress.version());
        case CANARY ->
            standing.sameRoles(progress.baseline(), progress.version(), share(progress.step()));
        case PROBATION ->
            Objects.equals(standing.champion(), progress.version())
                && standing.shadows().contains(progress.baseline());
        case CLOSING -> true;
      };
    }

    /** Whether an awaited command still makes sense beside a deployment that is not its own. */
    private boolean possible(Progress progress, Standing standing) {
      return Objects.equals(standing.champion(), progress.baseline());
    }

    private void inEffect(Progress progress, Standing next) {
      if (progress.stage() == Stage.CLOSING) {
        state = state.progress(null);
        return;
      }
      long sinceMillis = next.effectiveMillis() == null ? now() : next.effectiveMillis();
      Long pairsSinceMillis =
          progress.stage() == Stage.CANARY && progress.pairsSinceMillis() != null
              ? progress.pairsSinceMillis()
              : Long.valueOf(sinceMillis);
      Progress now =
          new Progress(
              progress.rolloutId(),
              progress.requestId(),
              progress.version(),
              progress.baseline(),
              progress.stage(),
              progress.step(),
              null,
              null,
              null,
              1,
              false,
              next.deploymentId(),
              sinceMillis,
              pairsSinceMillis);
      state = state.progress(now);
      step(
          now,
          phase(now),
          shareOf(now),
          Verdict.EFFECTIVE,
          "from " + Instant.ofEpochMilli(sinceMillis),
          null);
    }

    private void revoked(Standing gone, LifecycleEntry event) {
      String id = gone.deploymentId();
      boolean stood =
          id != null && state.standing().stream().anyMatch(s -> id.equals(s.deploymentId()));
      if (stood) {
        state =
            state.standing(
                state.standing().stream()
                    .filter(s -> !Objects.equals(id, s.deploymentId()))
                    .toList());
      }
      Progress progress = state.progress();
      if (progress == null) {
        return;
      }
      Standing current = state.current();
      if (progress.stage() == Stage.CLOSING) {
        if (current == null) {
          state = state.progress(null);
        } else if (rollsBack(progress) && !current.serves(progress.version())) {
          // What stands again may be the rollout's own first step, with the version as a shadow.
          withdraw(progress, "rolled back");
        } else if (!stood && ofAwaited(progress, id, event)) {
          again(progress, event.reason());
        }
      } else if (!stood
          && ofAwaited(progress, id, event)
          && event.reason().contains(NOT_READY_IN_TIME)) {
        again(progress, event.reason());
      } else if (!stood && progress.command() != null && ofAwaited(progress, id, event)) {
        fail(
            progress,
            "challenger_unloadable",
            "deployment "
                + id
                + " of "
                + phase(progress)
                + " was revoked before it was in effect: "
                + event.reason(),
            null);
      } else if (progress.command() == null && (current == null || !intact(progress, current))) {
        boolean back = progress.stage() == Stage.PROBATION;
        step(
            progress,
            phase(progress),
            shareOf(progress),
            back ? Verdict.ROLLED_BACK : Verdict.INCONCLUSIVE,
            "deployment " + id + " was revoked by hand: " + event.reason(),
            null);
        state = state.progress(null);
      }
    }

    private static boolean rollsBack(Progress progress) {
      return LifecycleEntry.Command.ROLLBACK.name().equals(progress.commandType());
    }

    private static boolean ofAwaited(
        Progress progress, @Nullable String deploymentId, LifecycleEntry event) {
      return event.idempotencyKey().equals(progress.command())
          || (deploymentId != null && deploymentId.equals(progress.deploymentId()));
    }

    private void refused(LifecycleEntry event) {
      Progress progress = state.progress();
      if (progress == null || !event.idempotencyKey().equals(progress.command())) {
        return;
      }
      if (state.paused()) {
        // Given again when the model is resumed; that it was refused says nothing of it.
        state = state.progress(progress.awaiting(progress.command(), progress.attempt(), true));
      } else if (event.reason().toLowerCase(Locale.ROOT).contains("prepar")) {
        again(progress, event.reason());
      } else if (progress.stage() == Stage.CLOSING) {
        alert(
            progress,
            "rollout_not_closed",
            "the registry refused " + progress.commandType() + ": " + event.reason(),
            null);
        state = state.progress(null);
      } else {
        fail(
            progress,
            "rollout_refused",
            "the registry refused " + progress.commandType() + ": " + event.reason(),
            null);
      }
    }

    /** The command is given once more when time goes on or another deployment is through. */
    private void again(Progress progress, String why) {
      if (progress.attempt() >= ATTEMPTS_MAX) {
        if (progress.stage() == Stage.CLOSING) {
          alert(
              progress,
              "rollout_not_closed",
              progress.commandType() + " was refused " + ATTEMPTS_MAX + " times: " + why,
              null);
          state = state.progress(null);
        } else {
          fail(
              progress,
              "rollout_refused",
              progress.commandType() + " was refused " + ATTEMPTS_MAX + " times: " + why,
              null);
        }
        return;
      }
      state = state.progress(progress.awaiting(progress.command(), progress.attempt(), true));
    }

    private void giveAgain(Progress progress) {
      String command = progress.command();
      String type = progress.commandType();
      String details = progress.commandDetails();
      if (command == null || type == null || details == null) {
        return;
      }
      int attempt = progress.attempt() + 1;
      String first =
          progress.attempt() == 1 ? command : command.substring(0, command.lastIndexOf('/'));
      String key = first + "/" + attempt;
      state = state.progress(progress.awaiting(key, attempt, false));
      commands.add(
          LifecycleEntry.command(
              model,
              LifecycleEntry.Command.valueOf(type),
              progress.version(),
              ACTOR,
              "given again, because it could not be done then",
              0,
              key,
              details));
    }

    private void endedByHand(Progress progress, Standing next) {
      step(
          progress,
          phase(progress),
          shareOf(progress),
          Verdict.INCONCLUSIVE,
          "deployment " + next.deploymentId() + " took its place",
          null);
      state = state.progress(null);
    }

    // What the comparisons say.

    private void decide() {
      Progress progress = state.progress();
      if (progress == null || state.paused()) {
        return;
      }
      if (progress.again()) {
        giveAgain(progress);
        return;
      }
      Long sinceMillis = progress.stageSinceMillis();
      if (progress.command() != null || sinceMillis == null) {
        return;
      }
      switch (progress.stage()) {
        case SHADOW -> shadow(progress, sinceMillis);
        case CANARY -> canary(progress, sinceMillis);
        case PROBATION -> probation(progress, sinceMillis);
        case CLOSING -> {
          // Its end is an event of the registry.
        }
      }
    }

    private void shadow(Progress progress, long sinceMillis) {
      Evidence evidence = evidence(progress, plan.block(), plan.shadow());
      if (evidence.harm()) {
        fail(progress, "rollout_failed", evidence.says("worse"), evidence);
      } else if (now() >= sinceMillis + plan.shadow().toMillis() && evidence.goodEnough()) {
        step(progress, Phase.SHADOW, 0, Verdict.ADVANCED, evidence.says("good enough"), evidence);
        nextStep(progress, 0);
      } else if (now() >= sinceMillis + SHADOW_PATIENCE * plan.shadow().toMillis()) {
        String why =
            evidence.says("open") + " after " + SHADOW_PATIENCE + " times the shadow's length";
        step(progress, Phase.SHADOW, 0, Verdict.INCONCLUSIVE, why, evidence);
        alert(progress, "rollout_inconclusive", why + "; it is withdrawn", evidence);
        withdraw(progress, why);
      }
    }

    private void canary(Progress progress, long sinceMillis) {
      Evidence evidence = evidence(progress, plan.block(), plan.shadow());
      if (evidence.harm()) {
        fail(progress, "rollout_failed", evidence.says("worse"), evidence);
      } else if (now() >= sinceMillis + plan.step().toMillis()) {
        step(
            progress,
            Phase.CANARY,
            shareOf(progress),
            Verdict.ADVANCED,
            evidence.says("no harm"),
            evidence);
        nextStep(progress, progress.step() + 1);
      }
    }

    private void probation(Progress progress, long sinceMillis) {
      Evidence evidence = evidence(progress, probationBlock(), plan.probation());
      if (evidence.harm()) {
        String why = evidence.says("worse");
        step(progress, Phase.PROBATION, 0, Verdict.ROLLED_BACK, why, evidence);
        alert(
            progress,
            "rolled_back",
            "version " + progress.baseline() + " serves again: " + why,
            evidence);
        rollBack(progress, why);
      } else if (now() >= sinceMillis + plan.probation().toMillis()) {
        step(progress, Phase.PROBATION, 0, Verdict.PASSED, evidence.says("no harm"), evidence);
        stage(progress, Stage.CLOSING, 0, null, 0, List.of(), "probation passed");
      }
    }

    private void nextStep(Progress progress, int step) {
      if (step < plan.canary().size()) {
        double share = share(step);
        Progress next = progress.atStep(step);
        step(next, Phase.CANARY, share, Verdict.STARTED, "the step before held", null);
        stage(next, Stage.CANARY, step, progress.version(), share, List.of(), "canary step");
        return;
      }
      step(progress, Phase.PROBATION, 0, Verdict.STARTED, "all steps held", null);
      Map<String, @Nullable Object> details = new LinkedHashMap<>();
      details.put("force", false);
      details.put("shadows", List.of(progress.baseline()));
      details.put("request_id", progress.requestId());
      details.put("rollout_id", progress.rolloutId());
      give(
          progress,
          Stage.PROBATION,
          LifecycleEntry.Command.PROMOTE,
          progress.rolloutId() + "/PROMOTE/1.0",
          "all steps of its rollout held",
          details);
    }

    private void fail(Progress progress, String rule, String why, @Nullable Evidence evidence) {
      step(progress, phase(progress), shareOf(progress), Verdict.FAILED, why, evidence);
      alert(
          progress,
          rule,
          "its rollout is over: " + why + "; version " + progress.baseline() + " serves on",
          evidence);
      withdraw(progress, why);
    }

    /** Takes the challenger out of what stands. */
    private void withdraw(Progress progress, String why) {
      Standing current = state.current();
      if (current == null || !current.has(progress.version())) {
        state = state.progress(null);
      } else {
        stage(progress, Stage.CLOSING, progress.step(), null, 0, List.of(), why);
      }
    }

    private void rollBack(Progress progress, String why) {
      Map<String, @Nullable Object> details = new LinkedHashMap<>();
      // Only this one is meant: where a person was faster, the registry refuses.
      details.put("deployment_id", progress.deploymentId());
      details.put("rollout_id", progress.rolloutId());
      give(
          progress,
          Stage.CLOSING,
          LifecycleEntry.Command.ROLLBACK,
          progress.rolloutId() + "/ROLLBACK/0.0",
          why,
          details);
    }

    private void stage(
        Progress progress,
        Stage stage,
        int step,
        @Nullable Integer canary,
        double share,
        List<Integer> shadows,
        String why) {
      Map<String, @Nullable Object> details = new LinkedHashMap<>();
      details.put("canary", canary);
      details.put("share", share);
      details.put("shadows", shadows);
      details.put("rollout_id", progress.rolloutId());
      give(
          progress.atStep(step),
          stage,
          LifecycleEntry.Command.STAGE,
          progress.rolloutId() + "/" + stage + "/" + share,
          why,
          details);
    }

    private void give(
        Progress progress,
        Stage stage,
        LifecycleEntry.Command command,
        String key,
        String why,
        Map<String, @Nullable Object> details) {
      String json = json(details);
      state =
          state.progress(
              new Progress(
                  progress.rolloutId(),
                  progress.requestId(),
                  progress.version(),
                  progress.baseline(),
                  stage,
                  progress.step(),
                  key,
                  command.name(),
                  json,
                  1,
                  false,
                  null,
                  null,
                  progress.pairsSinceMillis()));
      commands.add(
          LifecycleEntry.command(model, command, progress.version(), ACTOR, why, 0, key, json));
    }

    // Evidence.

    private Duration probationBlock() {
      if (plan.block().multipliedBy(PROBATION_BLOCKS_MIN).compareTo(plan.probation()) <= 0) {
        return plan.block();
      }
      long quarterMillis = plan.block().toMillis() / PROBATION_SPLIT;
      return Duration.ofMillis(Math.max(1, upTo(quarterMillis) / windowMillis) * windowMillis);
    }

    private Evidence evidence(Progress progress, Duration block, Duration planned) {
      long sinceMillis = Objects.requireNonNull(progress.pairsSinceMillis());
      long firstMillis = upTo(sinceMillis);
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
        if (upTo(firstMillis + (index + 1) * blockMillis) > now()) {
          continue;
        }
        double[] sums = blocks.computeIfAbsent(index, i -> new double[2]);
        sums[0] += sign * c.gain() * c.pairs();
        sums[1] += c.pairs();
        pairs += c.pairs();
      }
      List<Double> means = blocks.values().stream().map(s -> s[0] / s[1]).toList();
      double tau = Math.max(BLOCKS_MIN, (double) planned.toMillis() / blockMillis);
      return new Evidence(
          ConfidenceSequence.of(means, ALPHA, tau),
          plan.hypothesis(),
          plan.margin(),
          blockMillis,
          tau,
          pairs,
          sinceMillis,
          now());
    }

    /** The next start of a window at or after a time. */
    private long upTo(long millis) {
      return -Math.floorDiv(-millis, windowMillis) * windowMillis;
    }

    private long now() {
      Long now = state.time().nowMillis();
      return now == null ? 0 : now;
    }

    private double share(int step) {
      return step < plan.canary().size() ? plan.canary().get(step) / 100.0 : 0;
    }

    private double shareOf(Progress progress) {
      return progress.stage() == Stage.CANARY ? share(progress.step()) : 0;
    }

    private static Phase phase(Progress progress) {
      return switch (progress.stage()) {
        case SHADOW -> Phase.SHADOW;
        case CANARY -> Phase.CANARY;
        case PROBATION, CLOSING -> Phase.PROBATION;
      };
    }

    private void step(
        Progress progress,
        Phase phase,
        double share,
        Verdict verdict,
        String why,
        @Nullable Evidence evidence) {
      steps.add(
          new RolloutStep(
              progress.rolloutId(),
              model,
              progress.version(),
              progress.baseline(),
              phase,
              share,
              verdict,
              why,
              now(),
              progress.deploymentId(),
              progress.requestId(),
              evidence == null ? "{}" : evidence.json()));
    }

    private void alert(Progress progress, String rule, String why, @Nullable Evidence evidence) {
      alerts.add(
          new Alert(
              JoinedId.brief(List.of(model, rule, progress.rolloutId(), progress.stage().name())),
              model,
              rule,
              "Model "
                  + model
                  + " version "
                  + progress.version()
                  + ": "
                  + why
                  + "; look at ./millrace models show "
                  + model,
              now(),
              evidence == null ? "{}" : evidence.json()));
    }
  }

  private static String json(Map<String, @Nullable Object> fields) {
    try {
      return JSON.writeValueAsString(fields);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Cannot write " + fields, e);
    }
  }

  /** What the blocks so far say of the challenger; more is better. */
  private record Evidence(
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
      return sequence.count() >= BLOCKS_MIN && low != null && low > bound();
    }

    boolean harm() {
      Double high = sequence.high();
      return sequence.count() >= BLOCKS_MIN && high != null && high < bound();
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
      fields.put("alpha", ALPHA);
      fields.put("hypothesis", hypothesis.name());
      fields.put("margin", margin);
      fields.put("from", Instant.ofEpochMilli(sinceMillis).toString());
      fields.put("to", Instant.ofEpochMilli(untilMillis).toString());
      return RolloutControl.json(fields);
    }
  }
}
