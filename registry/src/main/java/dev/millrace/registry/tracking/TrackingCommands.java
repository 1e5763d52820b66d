package dev.millrace.registry.tracking;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.Experiment;
import dev.millrace.core.tracking.ExperimentRules;
import dev.millrace.core.tracking.LoggedModel;
import dev.millrace.core.tracking.LoggedModelRules;
import dev.millrace.core.tracking.RunRules;
import dev.millrace.core.tracking.TrackingEntry;
import dev.millrace.core.tracking.TrackingEntry.Command;
import dev.millrace.core.tracking.TrackingEntry.Event;
import dev.millrace.registry.journal.UnansweredException;
import dev.millrace.registry.mlflow.MlflowError;
import dev.millrace.registry.mlflow.MlflowRequest;
import java.time.Clock;
import java.util.UUID;
import org.apache.commons.codec.digest.DigestUtils;

/**
 * Finds what requests are about, asks for changes, and says in MLflow's words what became of them.
 */
final class TrackingCommands {

  private static final int ID_DIGITS = 32;

  private final Tracking tracking;
  private final Clock clock;
  private final long bytesMax;

  /**
   * @param bytesMax of memory that tracking may take before it takes no more
   */
  TrackingCommands(Tracking tracking, Clock clock, long bytesMax) {
    this.tracking = tracking;
    this.clock = clock;
    this.bytesMax = bytesMax;
  }

  Tracking tracking() {
    return tracking;
  }

  long nowMillis() {
    return clock.millis();
  }

  /** An experiment, also one that was deleted. */
  Experiment experiment(String id) {
    return tracking
        .experiments()
        .experiment(id)
        .orElseThrow(() -> MlflowError.missing(ExperimentRules.noExperiment(id)));
  }

  /** An experiment that takes more. */
  Experiment activeExperiment(String id) {
    Experiment experiment = experiment(id);
    if (experiment.deleted()) {
      throw MlflowError.invalid(ExperimentRules.inactive(experiment));
    }
    return experiment;
  }

  /** The run that a request names, also one that was deleted. */
  TrackedRun run(MlflowRequest request) {
    return run(request.runId());
  }

  TrackedRun run(String id) {
    return tracking.run(id).orElseThrow(() -> MlflowError.missing(RunRules.noRun(id)));
  }

  /** A run that takes more. */
  TrackedRun activeRun(MlflowRequest request) {
    TrackedRun run = run(request);
    if (isDeleted(run)) {
      throw MlflowError.invalid(RunRules.staged(run.id(), false));
    }
    return run;
  }

  /** A run is gone with its experiment, and is back with it. */
  boolean isDeleted(TrackedRun run) {
    return run.run().deleted()
        || tracking
            .experiments()
            .experiment(run.run().experimentId())
            .map(Experiment::deleted)
            .orElse(false);
  }

  /** A logged model that was not deleted. */
  LoggedModel model(String id) {
    return tracking
        .model(id)
        .filter(m -> !m.deleted())
        .orElseThrow(() -> MlflowError.missing(LoggedModelRules.noModel(id)));
  }

  /** An id for what a request makes; the same for the same request, where it says which it is. */
  static String newId(MlflowRequest request, Command command) {
    String key = request.idempotencyKey();
    return key.isEmpty()
        ? UUID.randomUUID().toString().replace("-", "")
        : idOf(command.name() + '\u001f' + key);
  }

  /** An id that the same text always gives. */
  static String idOf(String text) {
    return DigestUtils.sha256Hex(text).substring(0, ID_DIGITS);
  }

  /** Refuses what makes more where there is no room for it. */
  void refuseWithoutRoom() {
    if (tracking.bytes() > bytesMax) {
      throw new MlflowError(
          MlflowError.Code.INVALID_STATE,
          "Cannot keep more runs, metrics or logged models: they take "
              + tracking.bytes()
              + " bytes of the registry's memory already; give it more (-Xmx)");
    }
  }

  /**
   * What a command became.
   *
   * @throws MlflowError where it is refused
   */
  TrackingEntry submit(MlflowRequest request, String subject, Command command, ObjectNode details)
      throws InterruptedException {
    String key =
        request.idempotencyKey().isEmpty()
            ? TrackingEntry.ONCE + UUID.randomUUID()
            : "client-" + command + "-" + request.idempotencyKey();
    TrackingEntry event;
    try {
      event =
          tracking.submit(
              TrackingEntry.command(
                  subject, command, request.actor(), nowMillis(), key, details.toString()));
    } catch (UnansweredException e) {
      throw new MlflowError(
          MlflowError.Code.TEMPORARILY_UNAVAILABLE, String.valueOf(e.getMessage()));
    }
    if (event.is(Event.REFUSED)) {
      ObjectNode told = LifecycleJson.details(event.details());
      throw MlflowError.refused(
          MlflowError.Code.valueOf(told.path("code").asText("")), told.path("reason").asText(""));
    }
    return event;
  }
}
