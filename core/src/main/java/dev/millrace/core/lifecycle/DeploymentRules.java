package dev.millrace.core.lifecycle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.lifecycle.DecidedDeployment.Named;
import dev.millrace.core.lifecycle.RegisteredVersion.Status;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry.Event;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Deployments as they are asked for, prepared, effective and revoked. */
final class DeploymentRules {

  private static final int PARALLELISM_MAX = 32_768;

  private final Turn turn;

  DeploymentRules(Turn turn) {
    this.turn = turn;
  }

  void promote(ObjectNode details) {
    refuseByPolicyWhilePaused();
    refuseWhilePreparing();
    RegisteredVersion version = turn.version(turn.command().version());
    boolean force = force(details);
    refuseUnfit(version, force);
    if (!force && Objects.equals(turn.state().champion().orElse(null), version.version())) {
      throw new RefusedException(
          "version " + version.version() + " is champion already; force deploys it again");
    }
    prepare(details, version, null, 0);
  }

  void stage(ObjectNode details) {
    refuseByPolicyWhilePaused();
    refuseWhilePreparing();
    DecidedDeployment current =
        turn.state()
            .current()
            .orElseThrow(
                () ->
                    new RefusedException(
                        "there is no champion that a challenger could stand beside; promote one"));
    RegisteredVersion champion = turn.version(current.champion().version());
    JsonNode named = details.path("canary");
    JsonNode share = details.path("share");
    if (named.isMissingNode() || named.isNull()) {
      if (share.doubleValue() != 0) {
        throw new RefusedException("a share of " + share + " without a canary");
      }
      prepare(details, champion, null, 0);
      return;
    }
    RegisteredVersion canary = turn.version(Turn.number(named, "canary"));
    if (canary.version() == champion.version()) {
      throw new RefusedException("version " + canary.version() + " is champion, not canary");
    }
    refuseUnfit(canary, force(details));
    if (!share.isNumber() || !(share.doubleValue() > 0 && share.doubleValue() <= 1)) {
      throw new RefusedException("share " + share + " is not above 0 and at most 1");
    }
    prepare(details, champion, canary, share.doubleValue());
  }

  private void prepare(
      ObjectNode details,
      RegisteredVersion champion,
      @Nullable RegisteredVersion canary,
      double share) {
    Set<Integer> beside = new LinkedHashSet<>();
    for (JsonNode shadow : details.path("shadows")) {
      RegisteredVersion version = turn.version(Turn.number(shadow, "shadows"));
      if (version.status() == Status.ARCHIVED) {
        throw new RefusedException("shadow " + version.version() + " is archived");
      }
      refuseUnseen(version);
      beside.add(version.version());
    }
    // Who answers is scored for everybody anyway.
    beside.remove(champion.version());
    if (canary != null) {
      beside.remove(canary.version());
    }
    DecidedDeployment deployment =
        new DecidedDeployment(
            LifecycleRules.deploymentId(turn.command().model(), turn.command().idempotencyKey()),
            Deployment.State.PREPARING,
            Named.of(champion),
            canary == null ? null : Named.of(canary),
            share,
            beside.stream().map(n -> Named.of(turn.version(n))).toList(),
            null,
            turn.command().actor(),
            turn.command().reason(),
            turn.command().idempotencyKey(),
            turn.nowMillis(),
            turn.nowMillis());
    ObjectNode told = deployment.details();
    for (String passedOn : List.of("request_id", "force", "evidence")) {
      if (details.has(passedOn)) {
        told.set(passedOn, details.get(passedOn));
      }
    }
    told.put("command", turn.command().type());
    turn.emit(
        Event.DEPLOYMENT_PREPARING,
        (canary == null ? champion : canary).version(),
        turn.command().actor(),
        turn.command().reason(),
        null,
        null,
        told);
  }

  void rollback(ObjectNode details) {
    refuseByPolicyWhilePaused();
    DecidedDeployment waiting = turn.state().preparing().orElse(null);
    DecidedDeployment current = turn.state().current().orElse(null);
    String expected = LifecycleJson.text(details, "deployment_id");
    if (waiting != null && waiting.deploymentId().equals(expected)) {
      // Only what was named: what serves is not meant.
      revoke(waiting, turn.command().actor(), turn.command().reason());
      return;
    }
    if (expected != null && (current == null || !current.deploymentId().equals(expected))) {
      throw new RefusedException(
          "deployment "
              + expected
              + " does not serve; "
              + (current == null ? "none does" : current.deploymentId() + " does"));
    }
    List<DecidedDeployment> newer = current == null ? List.of() : newerThanOther(current);
    if (waiting == null && newer.isEmpty()) {
      throw new RefusedException(
          current == null
              ? "nothing is deployed"
              : "there is nothing to go back to: version "
                  + current.champion().version()
                  + " was the first champion, or those before it are archived");
    }
    if (waiting != null) {
      revoke(waiting, turn.command().actor(), turn.command().reason());
    }
    newer.forEach(d -> revoke(d, turn.command().actor(), turn.command().reason()));
  }

  /**
   * The deployments newer than the newest in which somebody else answered, the newest first; none
   * where there is no such one.
   */
  private List<DecidedDeployment> newerThanOther(DecidedDeployment current) {
    List<DecidedDeployment> standing = turn.state().standing();
    List<DecidedDeployment> newer = new ArrayList<>();
    int serving = current.champion().version();
    for (int i = standing.size() - 1; i >= 0; i--) {
      DecidedDeployment older = standing.get(i);
      boolean archived =
          turn.state()
              .version(older.champion().version())
              .filter(v -> v.status() == Status.ARCHIVED)
              .isPresent();
      if (!older.serves(serving) && !archived) {
        return newer;
      }
      newer.add(older);
    }
    return List.of();
  }

  void ready(ObjectNode details) {
    DecidedDeployment waiting = turn.state().preparing().orElse(null);
    if (waiting == null
        || !waiting.deploymentId().equals(LifecycleJson.text(details, "deployment_id"))) {
      // It is over: decided before this report came. No mistake of anybody.
      return;
    }
    int parallelism = Turn.number(details.path("parallelism"), "parallelism");
    int subtask = Turn.number(details.path("subtask"), "subtask");
    if (parallelism < 1 || parallelism > PARALLELISM_MAX || subtask < 0 || subtask >= parallelism) {
      throw new RefusedException("there is no subtask " + subtask + " of " + parallelism);
    }
    JsonNode largest = details.path("largest_event_time");
    if (!largest.isMissingNode() && !largest.isNull() && !largest.canConvertToLong()) {
      throw new RefusedException("largest_event_time " + largest + " is no point in time");
    }
    Preparation before = turn.preparation();
    if (before == null || !before.deploymentId().equals(waiting.deploymentId())) {
      before = Preparation.of(waiting.deploymentId(), turn.nowMillis());
    }
    Preparation after =
        before.with(subtask, parallelism, largest.isIntegralNumber() ? largest.longValue() : null);
    turn.prepare(after);
    if (after.isWholeWith(parallelism)) {
      DecidedDeployment effective = waiting.effectiveFrom(after.effectiveTimeMillis());
      turn.emitFor(
          Event.DEPLOYMENT_EFFECTIVE,
          effective,
          waiting.idempotencyKey(),
          waiting.actor(),
          waiting.reason());
    }
  }

  void unloadable(ObjectNode details) {
    DecidedDeployment waiting = turn.state().preparing().orElse(null);
    if (waiting != null
        && waiting.deploymentId().equals(LifecycleJson.text(details, "deployment_id"))) {
      revoke(waiting, turn.command().actor(), turn.command().reason());
    }
  }

  void revoke(DecidedDeployment deployment, String actor, String reason) {
    turn.emitFor(
        Event.DEPLOYMENT_REVOKED,
        deployment.revoked(),
        turn.command().idempotencyKey(),
        actor,
        reason);
  }

  /** What people ask for is done also while the model is paused. */
  private void refuseByPolicyWhilePaused() {
    ModelState.Pause pause = turn.state().pause();
    if (pause != null && turn.command().actor().equals(LifecycleRules.TRIGGER)) {
      throw new RefusedException(
          "the model is paused by "
              + pause.actor()
              + " ("
              + pause.reason()
              + "); ./millrace models resume "
              + turn.command().model()
              + " ends that");
    }
  }

  private void refuseWhilePreparing() {
    turn.state()
        .preparing()
        .ifPresent(
            d -> {
              throw new RefusedException(
                  "deployment " + d.deploymentId() + " is being prepared; wait, or roll it back");
            });
  }

  private void refuseUnseen(RegisteredVersion version) {
    if (version.unseen() && version.status() == Status.REJECTED) {
      throw new RefusedException(
          "version " + version.version() + " was rejected and cannot serve: " + version.verdict());
    }
    if (version.unseen()) {
      throw new RefusedException(
          "nobody has looked into the artifact of version "
              + version.version()
              + " at "
              + version.uri()
              + "; ./millrace models evaluate "
              + turn.command().model()
              + " "
              + version.version()
              + " does");
    }
  }

  private void refuseUnfit(RegisteredVersion version, boolean force) {
    if (version.status() != Status.ARCHIVED) {
      refuseUnseen(version);
    }
    switch (version.status()) {
      case ARCHIVED -> throw new RefusedException("version " + version.version() + " is archived");
      case REJECTED -> {
        if (!force) {
          throw new RefusedException(
              "version "
                  + version.version()
                  + " was rejected ("
                  + version.verdict()
                  + "); force, with a reason, deploys it all the same");
        }
      }
      case REGISTERED -> {
        // The first version has nothing that it could be compared with, and was made by hand.
        boolean first = version.requestId() == null && turn.state().champion().isEmpty();
        if (!force && !first) {
          throw new RefusedException(
              "version "
                  + version.version()
                  + " is not validated; wait for its gates, or force it, with a reason");
        }
      }
      case VALIDATED -> {
        // As it should be.
      }
    }
  }

  private boolean force(ObjectNode details) {
    boolean force = details.path("force").asBoolean(false);
    if (force && turn.command().reason().isBlank()) {
      throw new RefusedException("force needs a reason");
    }
    return force;
  }
}
