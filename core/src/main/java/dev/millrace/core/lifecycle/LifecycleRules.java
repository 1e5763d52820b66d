package dev.millrace.core.lifecycle;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Kind;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
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

  /** Who acts by policy, without a person: the job that follows a model's performance. */
  public static final String TRIGGER = "retrain-trigger";

  /** The event repeats what the command says, and has to fit into a record as well. */
  public static final int TEXT_MAX = 1_000_000;

  /** In the details of {@code REGISTER}: the artifact's sha256 is not known yet. */
  public static final String LOOKED_AT_LATER = "looked_at_later";

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
      take(turn, LifecycleJson.details(command.details()));
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
    new DeploymentRules(turn).revoke(waiting, SELF, reason);
    return turn.decision();
  }

  private static void take(Turn turn, ObjectNode details) {
    Command type;
    try {
      type = Command.valueOf(turn.command().type());
    } catch (IllegalArgumentException e) {
      throw new RefusedException(
          "there is no command "
              + turn.command().type()
              + "; known are "
              + List.of(Command.values()));
    }
    VersionRules versions = new VersionRules(turn);
    DeploymentRules deployments = new DeploymentRules(turn);
    switch (type) {
      case REGISTER -> versions.register(details);
      case VALIDATE -> versions.validate(details);
      case PROMOTE -> deployments.promote(details);
      case STAGE -> deployments.stage(details);
      case ROLLBACK -> deployments.rollback(details);
      case ARCHIVE -> versions.archive();
      case PAUSE -> versions.pause();
      case RESUME -> versions.resume();
      case READY -> deployments.ready(details);
      case UNLOADABLE -> deployments.unloadable(details);
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
      case IMPORT ->
          throw new IllegalStateException(
              "Cannot decide about an import: what it holds was decided elsewhere");
    }
  }

  static String numbers(Iterable<Integer> numbers) {
    List<String> texts = new ArrayList<>();
    numbers.forEach(n -> texts.add(n.toString()));
    return texts.isEmpty() ? "none" : String.join(", ", texts);
  }

  private LifecycleRules() {}
}
