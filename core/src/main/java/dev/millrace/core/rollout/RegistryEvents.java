package dev.millrace.core.rollout;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.rollout.RolloutState.Candidate;
import dev.millrace.core.rollout.RolloutState.Progress;
import dev.millrace.core.rollout.RolloutState.Stage;
import dev.millrace.core.rollout.RolloutStep.Phase;
import dev.millrace.core.rollout.RolloutStep.Verdict;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What the registry did, and what that makes of the rollout under way or waiting. */
final class RegistryEvents {

  /** What the registry says of a deployment whose subtasks were away: they will be back. */
  private static final String NOT_READY_IN_TIME = "did not get ready";

  private static final int STANDING_MAX = 64;

  private final RolloutTurn turn;
  private final StageRoles roles;
  private final RegistryCommands commands;
  private final StageDecisions decisions;

  RegistryEvents(
      RolloutTurn turn, StageRoles roles, RegistryCommands commands, StageDecisions decisions) {
    this.turn = turn;
    this.roles = roles;
    this.commands = commands;
    this.decisions = decisions;
  }

  void happened(LifecycleEntry event) {
    if (event.is(LifecycleEntry.Event.VERSION_VALIDATED)) {
      String requestId = Standing.text(Standing.details(event), "request_id");
      if (requestId != null && event.version() != null) {
        turn.become(turn.state().candidate(new Candidate(event.version(), requestId)));
      }
    } else if (event.is(LifecycleEntry.Event.VERSION_REJECTED)
        || event.is(LifecycleEntry.Event.VERSION_ARCHIVED)) {
      Candidate candidate = turn.state().candidate();
      if (candidate != null && Objects.equals(candidate.version(), event.version())) {
        turn.become(turn.state().candidate(null));
      }
    } else if (event.is(LifecycleEntry.Event.DEPLOYMENT_PREPARING)) {
      Progress progress = turn.state().progress();
      if (progress != null && event.idempotencyKey().equals(progress.command())) {
        turn.progress(progress.under(Standing.of(event).deploymentId()));
      }
    } else if (event.is(LifecycleEntry.Event.DEPLOYMENT_EFFECTIVE)) {
      effective(Standing.of(event), event.idempotencyKey());
    } else if (event.is(LifecycleEntry.Event.DEPLOYMENT_REVOKED)) {
      revoked(Standing.of(event), event);
    } else if (event.is(LifecycleEntry.Event.REFUSED)) {
      refused(event);
    } else if (event.is(LifecycleEntry.Event.MODEL_PAUSED)) {
      turn.become(turn.state().paused(true));
    } else if (event.is(LifecycleEntry.Event.MODEL_RESUMED)) {
      turn.become(turn.state().paused(false));
      decisions.decide();
    }
    start();
  }

  private void start() {
    Candidate candidate = turn.state().candidate();
    Standing current = turn.state().current();
    Integer champion = current == null ? null : current.champion();
    if (turn.state().paused()
        || turn.state().progress() != null
        || candidate == null
        || champion == null) {
      return;
    }
    turn.become(turn.state().candidate(null));
    if (candidate.version() <= champion) {
      return;
    }
    String requestId = Objects.requireNonNullElse(candidate.requestId(), "");
    Progress progress =
        Progress.of(
            JoinedId.brief(List.of(turn.model(), requestId)),
            candidate.requestId(),
            candidate.version(),
            champion,
            Stage.SHADOW);
    turn.step(progress, Phase.SHADOW, 0, Verdict.STARTED, "version was validated", null);
    commands.stage(
        progress, Stage.SHADOW, 0, null, 0, List.of(progress.version()), "to be compared");
  }

  private void effective(Standing next, String key) {
    Standing former = turn.state().current();
    boolean known =
        next.deploymentId() != null
            && turn.state().standing().stream()
                .anyMatch(s -> next.deploymentId().equals(s.deploymentId()));
    List<Standing> standing = new ArrayList<>(turn.state().standing());
    standing.removeIf(
        s -> s.deploymentId() != null && s.deploymentId().equals(next.deploymentId()));
    standing.add(next);
    if (standing.size() > STANDING_MAX) {
      standing.remove(0);
    }
    turn.become(turn.state().standing(standing));
    Progress progress = turn.state().progress();
    String requestId = null;
    Progress ahead = progress == null ? null : roles.ahead(progress, next, key);
    if (ahead != null) {
      inEffect(ahead, next);
    } else if (progress != null) {
      if (progress.command() != null) {
        if (roles.awaited(progress, next, key)) {
          inEffect(progress, next);
        } else if (progress.stage() != Stage.CLOSING && !StageRoles.possible(progress, next)) {
          requestId = ofVersion(progress, next);
          endedByHand(progress, next);
        } else if (progress.again() && !turn.state().paused()) {
          commands.giveAgain(progress);
        }
      } else if (!roles.intact(progress, next)) {
        requestId = ofVersion(progress, next);
        endedByHand(progress, next);
      }
    }
    Integer champion = next.champion();
    Integer before = former == null ? null : former.champion();
    if (turn.state().progress() == null
        && !known
        && champion != null
        && before != null
        && !champion.equals(before)
        && next.shadows().contains(before)) {
      probationByHand(next, champion, before, requestId);
    }
  }

  private @Nullable String ofVersion(Progress progress, Standing next) {
    return Objects.equals(next.champion(), progress.version()) ? progress.requestId() : null;
  }

  private void probationByHand(
      Standing next, int champion, int before, @Nullable String requestId) {
    long sinceMillis = next.effectiveMillis() == null ? turn.now() : next.effectiveMillis();
    String deploymentId = String.valueOf(next.deploymentId());
    Progress progress =
        Progress.of(
                JoinedId.brief(List.of(turn.model(), deploymentId)),
                requestId,
                champion,
                before,
                Stage.PROBATION)
            .inEffect(next.deploymentId(), sinceMillis, sinceMillis);
    turn.progress(progress);
    turn.step(progress, Phase.PROBATION, 0, Verdict.STARTED, "version was promoted by hand", null);
    turn.step(
        progress,
        Phase.PROBATION,
        0,
        Verdict.EFFECTIVE,
        "serves from " + Instant.ofEpochMilli(sinceMillis),
        null);
  }

  private void inEffect(Progress progress, Standing next) {
    if (progress.stage() == Stage.CLOSING) {
      turn.progress(null);
      return;
    }
    long sinceMillis = next.effectiveMillis() == null ? turn.now() : next.effectiveMillis();
    Long pairsSinceMillis =
        progress.stage() == Stage.CANARY && progress.pairsSinceMillis() != null
            ? progress.pairsSinceMillis()
            : Long.valueOf(sinceMillis);
    Progress now = progress.inEffect(next.deploymentId(), sinceMillis, pairsSinceMillis);
    turn.progress(now);
    turn.step(
        now,
        StageRoles.phase(now),
        roles.shareOf(now),
        Verdict.EFFECTIVE,
        "from " + Instant.ofEpochMilli(sinceMillis),
        null);
  }

  private void endedByHand(Progress progress, Standing next) {
    turn.step(
        progress,
        StageRoles.phase(progress),
        roles.shareOf(progress),
        Verdict.INCONCLUSIVE,
        "deployment " + next.deploymentId() + " took its place",
        null);
    turn.progress(null);
  }

  private void revoked(Standing gone, LifecycleEntry event) {
    String id = gone.deploymentId();
    boolean stood =
        id != null && turn.state().standing().stream().anyMatch(s -> id.equals(s.deploymentId()));
    if (stood) {
      turn.become(
          turn.state()
              .standing(
                  turn.state().standing().stream()
                      .filter(s -> !Objects.equals(id, s.deploymentId()))
                      .toList()));
    }
    Progress progress = turn.state().progress();
    if (progress == null) {
      return;
    }
    Standing current = turn.state().current();
    if (progress.stage() == Stage.CLOSING) {
      if (current == null) {
        turn.progress(null);
      } else if (rollsBack(progress) && !current.serves(progress.version())) {
        // What stands again may be the rollout's own first step, with the version as a shadow.
        commands.withdraw(progress, "rolled back");
      } else if (!stood && ofAwaited(progress, id, event)) {
        commands.again(progress, event.reason());
      }
    } else if (!stood
        && ofAwaited(progress, id, event)
        && event.reason().contains(NOT_READY_IN_TIME)) {
      commands.again(progress, event.reason());
    } else if (!stood && progress.command() != null && ofAwaited(progress, id, event)) {
      commands.fail(
          progress,
          "challenger_unloadable",
          "deployment "
              + id
              + " of "
              + StageRoles.phase(progress)
              + " was revoked before it was in effect: "
              + event.reason(),
          null);
    } else if (progress.command() == null
        && (current == null || !roles.intact(progress, current))) {
      boolean back = progress.stage() == Stage.PROBATION;
      turn.step(
          progress,
          StageRoles.phase(progress),
          roles.shareOf(progress),
          back ? Verdict.ROLLED_BACK : Verdict.INCONCLUSIVE,
          "deployment " + id + " was revoked by hand: " + event.reason(),
          null);
      turn.progress(null);
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
    Progress progress = turn.state().progress();
    if (progress == null || !event.idempotencyKey().equals(progress.command())) {
      return;
    }
    if (turn.state().paused()) {
      // Given again when the model is resumed; that it was refused says nothing of it.
      turn.progress(progress.awaiting(progress.command(), progress.attempt(), true));
    } else if (event.reason().toLowerCase(Locale.ROOT).contains("prepar")) {
      commands.again(progress, event.reason());
    } else if (progress.stage() == Stage.CLOSING) {
      turn.alert(
          progress,
          "rollout_not_closed",
          "the registry refused " + progress.commandType() + ": " + event.reason(),
          null);
      turn.progress(null);
    } else {
      commands.fail(
          progress,
          "rollout_refused",
          "the registry refused " + progress.commandType() + ": " + event.reason(),
          null);
    }
  }
}
