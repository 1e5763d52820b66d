package dev.millrace.core.lifecycle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.lifecycle.RegisteredVersion.Status;
import dev.millrace.core.model.LifecycleEntry.Event;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Versions as they come, are judged and go. */
final class VersionRules {

  private final Turn turn;

  VersionRules(Turn turn) {
    this.turn = turn;
  }

  void register(ObjectNode details) {
    String uri = turn.command().uri();
    String sha256 = turn.command().sha256();
    if (uri == null || uri.isEmpty()) {
      throw new RefusedException("a version without the URI of its artifact");
    }
    // Whoever registers over MLflow's interface need not know what the artifact's bytes are.
    if (!(sha256 == null && details.path(LifecycleRules.LOOKED_AT_LATER).asBoolean(false))
        && !isSha256(sha256)) {
      throw noSha256(sha256, uri);
    }
    int number =
        turn.state().versions().stream().mapToInt(RegisteredVersion::version).max().orElse(0);
    turn.emit(
        Event.VERSION_REGISTERED,
        number + 1,
        turn.command().actor(),
        turn.command().reason(),
        uri,
        sha256,
        details);
  }

  void validate(ObjectNode details) {
    RegisteredVersion version = turn.version(turn.command().version());
    if (version.status() == Status.ARCHIVED) {
      throw new RefusedException("version " + version.version() + " is archived");
    }
    JsonNode passed = details.path("passed");
    if (!passed.isBoolean()) {
      throw new RefusedException(
          "details do not say whether version " + version.version() + " passed: true or false");
    }
    RegisteredVersion seen = seen(version, passed.booleanValue());
    String requestId = version.requestId();
    if (requestId != null && !details.has("request_id")) {
      details.put("request_id", requestId);
    }
    turn.emit(
        passed.booleanValue() ? Event.VERSION_VALIDATED : Event.VERSION_REJECTED,
        version.version(),
        turn.command().actor(),
        turn.command().reason(),
        seen.uri(),
        seen.sha256(),
        details);
  }

  /**
   * The version with what the command says of its bytes. They are said once: under a number there
   * are never others.
   */
  private RegisteredVersion seen(RegisteredVersion version, boolean passed) {
    String uri = turn.command().uri();
    String sha256 = turn.command().sha256();
    if (sha256 == null) {
      if (passed && version.unseen()) {
        throw new RefusedException(
            "nobody has looked into the artifact of version "
                + version.version()
                + ", so it has passed nothing; its sha256 is missing");
      }
      return version;
    }
    if (uri == null || uri.isEmpty()) {
      throw new RefusedException("sha256 " + sha256 + " without the URI of the file that has it");
    }
    if (!isSha256(sha256)) {
      throw noSha256(sha256, uri);
    }
    if (!version.unseen() && !version.sha256().equals(sha256)) {
      throw new RefusedException(
          "version "
              + version.version()
              + " is the file with sha256 "
              + version.sha256()
              + ", not "
              + sha256
              + "; other bytes are another version, register them");
    }
    return version.seen(uri, sha256);
  }

  private static boolean isSha256(@Nullable String text) {
    return text != null && text.matches("[0-9a-f]{64}");
  }

  private static RefusedException noSha256(@Nullable String sha256, String uri) {
    return new RefusedException(
        "sha256 " + sha256 + " of " + uri + " is no sha256: 64 hex digits in small letters");
  }

  void pause() {
    if (turn.state().versions().isEmpty()) {
      throw new RefusedException("no version is registered, so nothing happens by itself");
    }
    if (turn.state().pause() == null) {
      tell(Event.MODEL_PAUSED);
    }
  }

  void resume() {
    if (turn.state().pause() != null) {
      tell(Event.MODEL_RESUMED);
    }
  }

  private void tell(Event event) {
    turn.emit(
        event,
        null,
        turn.command().actor(),
        turn.command().reason(),
        null,
        null,
        LifecycleJson.object());
  }

  void archive() {
    RegisteredVersion version = turn.version(turn.command().version());
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
    turn.emit(
        Event.VERSION_ARCHIVED,
        version.version(),
        turn.command().actor(),
        turn.command().reason(),
        version.uri(),
        version.sha256(),
        LifecycleJson.object());
  }

  private List<DecidedDeployment> deploymentsInUse() {
    List<DecidedDeployment> used = new ArrayList<>();
    turn.state().current().ifPresent(used::add);
    turn.state().preparing().ifPresent(used::add);
    return used;
  }
}
