package dev.millrace.core.lifecycle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.lifecycle.DecidedDeployment.Named;
import dev.millrace.core.lifecycle.RegisteredVersion.Status;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.core.model.LifecycleEntry.Kind;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of a command: a pure function of the model's state, the command and the time. What
 * is not allowed becomes an event too, with its reason.
 */
public final class LifecycleRules {

  /** How long the first subtask that is ready waits for the last. */
  public static final long PATIENCE_MILLIS = 60_000;

  /** Who acts where nobody asked. */
  public static final String SELF = "registry";

  /** The event repeats what the command says, and has to fit into a record as well. */
  public static final int TEXT_MAX = 1_000_000;

  /** In the details of {@code REGISTER}: the artifact's sha256 is not known yet. */
  public static final String LOOKED_AT_LATER = "looked_at_later";

  private static final int REFUSED_TEXT_MAX = 2_000;
  private static final int PARALLELISM_MAX = 32_768;
  private static final int ID_BYTES = 16;

  /**
   * What a command became.
   *
   * @param events in their order; none where it came a second time, or is about what is over
   * @param state after them
   * @param preparation after them; null where no subtask has reported, or nothing is prepared
   */
  public record Decision(
      List<LifecycleEntry> events, ModelState state, @Nullable Preparation preparation) {
    public Decision {
      events = List.copyOf(events);
    }
  }

  /** The id of the deployment that a command makes: 32 hex digits. */
  public static String deploymentId(String model, String idempotencyKey) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest((model + '\u001f' + idempotencyKey).getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, ID_BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Cannot name deployments: every Java has SHA-256", e);
    }
  }

  /** Decides about a command. */
  public static Decision decide(
      ModelState state, @Nullable Preparation preparation, LifecycleEntry command, long nowMillis) {
    if (command.kind() != Kind.COMMAND || state.answered(command.idempotencyKey())) {
      return new Decision(List.of(), state, preparation);
    }
    Turn turn = new Turn(state, preparation, command, nowMillis);
    try {
      refuseTooLong(command);
      turn.take(LifecycleJson.details(command.details()));
    } catch (RefusedException e) {
      turn.refuse(e.reason());
    } catch (IllegalArgumentException e) {
      turn.refuse(String.valueOf(e.getMessage()));
    }
    return turn.decision();
  }

  private static void refuseTooLong(LifecycleEntry command) {
    String uri = command.uri();
    int length =
        command.details().length()
            + command.reason().length()
            + command.actor().length()
            + (uri == null ? 0 : uri.length());
    if (length > TEXT_MAX) {
      throw new RefusedException(
          "its texts have " + length + " characters, at most " + TEXT_MAX + " are kept");
    }
  }

  /**
   * Ends the patience with subtasks that do not get ready.
   *
   * @param sinceMillis before this nobody looked, so that no report was missed but unread
   */
  public static Decision expire(
      ModelState state, Preparation preparation, long sinceMillis, long nowMillis) {
    DecidedDeployment waiting = state.preparing().orElse(null);
    if (waiting == null || !waiting.deploymentId().equals(preparation.deploymentId())) {
      return new Decision(List.of(), state, null);
    }
    long endsAtMillis = Math.max(preparation.firstReportMillis(), sinceMillis) + PATIENCE_MILLIS;
    if (nowMillis < endsAtMillis) {
      return new Decision(List.of(), state, preparation);
    }
    int parallelism = preparation.parallelism();
    String reason =
        "subtask(s) %s of %d did not get ready in %d s"
            .formatted(
                numbers(preparation.missing(parallelism)), parallelism, PATIENCE_MILLIS / 1000);
    LifecycleEntry asked =
        new LifecycleEntry(
            state.model(),
            Kind.COMMAND,
            "EXPIRE",
            waiting.champion().version(),
            SELF,
            reason,
            nowMillis,
            waiting.idempotencyKey() + "/patience",
            null,
            null,
            "{}");
    Turn turn = new Turn(state, preparation, asked, nowMillis);
    turn.revoke(waiting, SELF, reason);
    return turn.decision();
  }

  /** One command on its way. */
  private static final class Turn {
    private final LifecycleEntry command;
    private final long nowMillis;
    private final List<LifecycleEntry> events = new ArrayList<>();
    private ModelState state;
    private @Nullable Preparation preparation;

    Turn(
        ModelState state,
        @Nullable Preparation preparation,
        LifecycleEntry command,
        long nowMillis) {
      this.state = state;
      this.preparation = preparation;
      this.command = command;
      this.nowMillis = nowMillis;
    }

    Decision decision() {
      Preparation left = preparation;
      boolean over =
          left == null
              || state
                  .preparing()
                  .filter(d -> d.deploymentId().equals(left.deploymentId()))
                  .isEmpty();
      return new Decision(events, state, over ? null : left);
    }

    void take(ObjectNode details) {
      Command type;
      try {
        type = Command.valueOf(command.type());
      } catch (IllegalArgumentException e) {
        throw new RefusedException(
            "there is no command " + command.type() + "; known are " + List.of(Command.values()));
      }
      switch (type) {
        case REGISTER -> register(details);
        case VALIDATE -> validate(details);
        case PROMOTE -> promote(details);
        case STAGE -> stage(details);
        case ROLLBACK -> rollback(details);
        case ARCHIVE -> archive();
        case READY -> ready(details);
        case UNLOADABLE -> unloadable(details);
        case CREATE_MODEL,
            UPDATE_MODEL,
            DELETE_MODEL,
            SET_TAG,
            DELETE_TAG,
            SET_ALIAS,
            DELETE_ALIAS,
            UPDATE_VERSION,
            TRANSITION_VERSION,
            DELETE_VERSION ->
            throw new IllegalStateException(
                "Cannot decide about " + type + " here: it is the catalogue's");
      }
    }

    private void register(ObjectNode details) {
      String uri = command.uri();
      String sha256 = command.sha256();
      if (uri == null || uri.isEmpty()) {
        throw new RefusedException("a version without the URI of its artifact");
      }
      // Whoever registers over MLflow's interface need not know what the artifact's bytes are.
      if (!(sha256 == null && details.path(LOOKED_AT_LATER).asBoolean(false))
          && (sha256 == null || !sha256.matches("[0-9a-f]{64}"))) {
        throw new RefusedException(
            "sha256 " + sha256 + " of " + uri + " is no sha256: 64 hex digits in small letters");
      }
      int number = state.versions().stream().mapToInt(RegisteredVersion::version).max().orElse(0);
      emit(
          Event.VERSION_REGISTERED,
          number + 1,
          command.actor(),
          command.reason(),
          uri,
          sha256,
          details);
    }

    private void validate(ObjectNode details) {
      RegisteredVersion version = version(command.version());
      if (version.status() == Status.ARCHIVED) {
        throw new RefusedException("version " + version.version() + " is archived");
      }
      JsonNode passed = details.path("passed");
      if (!passed.isBoolean()) {
        throw new RefusedException(
            "details do not say whether version " + version.version() + " passed: true or false");
      }
      String requestId = version.requestId();
      if (requestId != null && !details.has("request_id")) {
        details.put("request_id", requestId);
      }
      emit(
          passed.booleanValue() ? Event.VERSION_VALIDATED : Event.VERSION_REJECTED,
          version.version(),
          command.actor(),
          command.reason(),
          version.uri(),
          version.sha256(),
          details);
    }

    private void promote(ObjectNode details) {
      refuseWhilePreparing();
      RegisteredVersion version = version(command.version());
      boolean force = force(details);
      refuseUnfit(version, force);
      if (!force && Objects.equals(state.champion().orElse(null), version.version())) {
        throw new RefusedException(
            "version " + version.version() + " is champion already; force deploys it again");
      }
      prepare(details, version, null, 0);
    }

    private void stage(ObjectNode details) {
      refuseWhilePreparing();
      DecidedDeployment current =
          state
              .current()
              .orElseThrow(
                  () ->
                      new RefusedException(
                          "there is no champion that a challenger could stand beside; promote one"));
      RegisteredVersion champion = version(current.champion().version());
      JsonNode named = details.path("canary");
      JsonNode share = details.path("share");
      if (named.isMissingNode() || named.isNull()) {
        if (share.doubleValue() != 0) {
          throw new RefusedException("a share of " + share + " without a canary");
        }
        prepare(details, champion, null, 0);
        return;
      }
      RegisteredVersion canary = version(number(named, "canary"));
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
        RegisteredVersion version = version(number(shadow, "shadows"));
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
              deploymentId(command.model(), command.idempotencyKey()),
              Deployment.State.PREPARING,
              Named.of(champion),
              canary == null ? null : Named.of(canary),
              share,
              beside.stream().map(n -> Named.of(version(n))).toList(),
              null,
              command.actor(),
              command.reason(),
              command.idempotencyKey(),
              nowMillis,
              nowMillis);
      ObjectNode told = deployment.details();
      for (String passedOn : List.of("request_id", "force", "evidence")) {
        if (details.has(passedOn)) {
          told.set(passedOn, details.get(passedOn));
        }
      }
      told.put("command", command.type());
      emit(
          Event.DEPLOYMENT_PREPARING,
          (canary == null ? champion : canary).version(),
          command.actor(),
          command.reason(),
          null,
          null,
          told);
    }

    private void rollback(ObjectNode details) {
      DecidedDeployment waiting = state.preparing().orElse(null);
      DecidedDeployment current = state.current().orElse(null);
      String expected = LifecycleJson.text(details, "deployment_id");
      if (waiting != null && waiting.deploymentId().equals(expected)) {
        // Only what was named: what serves is not meant.
        revoke(waiting, command.actor(), command.reason());
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
        revoke(waiting, command.actor(), command.reason());
      }
      newer.forEach(d -> revoke(d, command.actor(), command.reason()));
    }

    /**
     * The deployments newer than the newest in which somebody else answered, the newest first; none
     * where there is no such one.
     */
    private List<DecidedDeployment> newerThanOther(DecidedDeployment current) {
      List<DecidedDeployment> standing = state.standing();
      List<DecidedDeployment> newer = new ArrayList<>();
      int serving = current.champion().version();
      for (int i = standing.size() - 1; i >= 0; i--) {
        DecidedDeployment older = standing.get(i);
        boolean archived =
            state
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

    private void archive() {
      RegisteredVersion version = version(command.version());
      if (version.status() == Status.ARCHIVED) {
        throw new RefusedException("version " + version.version() + " is archived already");
      }
      for (DecidedDeployment deployment : deploymentsInUse()) {
        if (deployment.versions().contains(version.version())) {
          throw new RefusedException(
              "version "
                  + version.version()
                  + " is in use by deployment "
                  + deployment.deploymentId()
                  + " ("
                  + deployment.state()
                  + ")");
        }
      }
      emit(
          Event.VERSION_ARCHIVED,
          version.version(),
          command.actor(),
          command.reason(),
          version.uri(),
          version.sha256(),
          LifecycleJson.object());
    }

    private List<DecidedDeployment> deploymentsInUse() {
      List<DecidedDeployment> used = new ArrayList<>();
      state.current().ifPresent(used::add);
      state.preparing().ifPresent(used::add);
      return used;
    }

    private void ready(ObjectNode details) {
      DecidedDeployment waiting = state.preparing().orElse(null);
      if (waiting == null
          || !waiting.deploymentId().equals(LifecycleJson.text(details, "deployment_id"))) {
        // It is over: decided before this report came. No mistake of anybody.
        return;
      }
      int parallelism = number(details.path("parallelism"), "parallelism");
      int subtask = number(details.path("subtask"), "subtask");
      if (parallelism < 1
          || parallelism > PARALLELISM_MAX
          || subtask < 0
          || subtask >= parallelism) {
        throw new RefusedException("there is no subtask " + subtask + " of " + parallelism);
      }
      JsonNode largest = details.path("largest_event_time");
      if (!largest.isMissingNode() && !largest.isNull() && !largest.canConvertToLong()) {
        throw new RefusedException("largest_event_time " + largest + " is no point in time");
      }
      Preparation before = preparation;
      if (before == null || !before.deploymentId().equals(waiting.deploymentId())) {
        before = Preparation.of(waiting.deploymentId(), nowMillis);
      }
      Preparation after =
          before.with(
              subtask, parallelism, largest.isIntegralNumber() ? largest.longValue() : null);
      preparation = after;
      if (after.isWholeWith(parallelism)) {
        DecidedDeployment effective = waiting.effectiveFrom(after.effectiveTimeMillis());
        emitFor(
            Event.DEPLOYMENT_EFFECTIVE,
            effective,
            waiting.idempotencyKey(),
            waiting.actor(),
            waiting.reason());
      }
    }

    private void unloadable(ObjectNode details) {
      DecidedDeployment waiting = state.preparing().orElse(null);
      if (waiting != null
          && waiting.deploymentId().equals(LifecycleJson.text(details, "deployment_id"))) {
        revoke(waiting, command.actor(), command.reason());
      }
    }

    void revoke(DecidedDeployment deployment, String actor, String reason) {
      emitFor(
          Event.DEPLOYMENT_REVOKED, deployment.revoked(), command.idempotencyKey(), actor, reason);
    }

    private void emitFor(
        Event type, DecidedDeployment deployment, String key, String actor, String reason) {
      Named canary = deployment.canary();
      append(
          type,
          (canary == null ? deployment.champion() : canary).version(),
          key,
          actor,
          reason,
          null,
          null,
          deployment.details());
    }

    void refuse(String reason) {
      ObjectNode details = LifecycleJson.object();
      details.put("command", command.type());
      details.put("command_reason", shortened(command.reason()));
      emit(
          Event.REFUSED,
          command.version(),
          shortened(command.actor()),
          shortened(reason),
          null,
          null,
          details);
    }

    private static String shortened(String text) {
      return text.length() <= REFUSED_TEXT_MAX ? text : text.substring(0, REFUSED_TEXT_MAX) + "…";
    }

    private void emit(
        Event type,
        @Nullable Integer version,
        String actor,
        String reason,
        @Nullable String uri,
        @Nullable String sha256,
        ObjectNode details) {
      append(type, version, command.idempotencyKey(), actor, reason, uri, sha256, details);
    }

    private void append(
        Event type,
        @Nullable Integer version,
        String key,
        String actor,
        String reason,
        @Nullable String uri,
        @Nullable String sha256,
        ObjectNode details) {
      details.put(ModelState.SEQUENCE, state.sequence() + 1);
      LifecycleEntry event =
          new LifecycleEntry(
              command.model(),
              Kind.EVENT,
              type.name(),
              version,
              actor,
              reason,
              nowMillis,
              key,
              uri,
              sha256,
              details.toString());
      events.add(event);
      state = state.apply(event);
    }

    private void refuseWhilePreparing() {
      state
          .preparing()
          .ifPresent(
              d -> {
                throw new RefusedException(
                    "deployment " + d.deploymentId() + " is being prepared; wait, or roll it back");
              });
    }

    private void refuseUnseen(RegisteredVersion version) {
      if (version.sha256().isEmpty()) {
        throw new RefusedException(
            "nobody has looked into the artifact of version "
                + version.version()
                + " at "
                + version.uri()
                + "; ./millrace models evaluate "
                + command.model()
                + " "
                + version.version()
                + " does");
      }
    }

    private void refuseUnfit(RegisteredVersion version, boolean force) {
      refuseUnseen(version);
      switch (version.status()) {
        case ARCHIVED ->
            throw new RefusedException("version " + version.version() + " is archived");
        case REJECTED -> {
          if (!force) {
            throw new RefusedException(
                "version "
                    + version.version()
                    + " was rejected by its gates; force, with a reason, deploys it all the same");
          }
        }
        case REGISTERED -> {
          // The first version has nothing that it could be compared with, and was made by hand.
          boolean first = version.requestId() == null && state.champion().isEmpty();
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
      if (force && command.reason().isBlank()) {
        throw new RefusedException("force needs a reason");
      }
      return force;
    }

    private RegisteredVersion version(@Nullable Integer number) {
      if (number == null) {
        throw new RefusedException(command.type() + " names no version");
      }
      return state
          .version(number)
          .orElseThrow(
              () ->
                  new RefusedException(
                      "version "
                          + number
                          + " is not registered; registered are "
                          + numbers(
                              state.versions().stream()
                                  .map(RegisteredVersion::version)
                                  .collect(Collectors.toCollection(TreeSet::new)))));
    }

    private static int number(JsonNode node, String what) {
      if (!node.isIntegralNumber() || !node.canConvertToInt()) {
        throw new RefusedException(what + " " + node + " is no whole number");
      }
      return node.intValue();
    }
  }

  private static String numbers(Iterable<Integer> numbers) {
    List<String> texts = new ArrayList<>();
    numbers.forEach(n -> texts.add(n.toString()));
    return texts.isEmpty() ? "none" : String.join(", ", texts);
  }

  /** A command that is not allowed. */
  private static final class RefusedException extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final String reason;

    RefusedException(String reason) {
      super(reason, null, false, false);
      this.reason = reason;
    }

    String reason() {
      return reason;
    }
  }

  private LifecycleRules() {}
}
