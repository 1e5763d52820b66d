package dev.millrace.trainer;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * From a retraining request to a registered, validated version, once.
 *
 * <p>It may be cut off anywhere and be begun again with the same request: what is done is known by
 * what it left behind. The files of a model lie under the request's id, complete or not at all; the
 * registry knows a command by a key that comes from that id; and the request itself is only put
 * away when all of that is there. So each request becomes one version, or one alert.
 */
final class RequestedTraining {

  static final String ACTOR = "trainer";

  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration PATIENCE_WITH_REGISTRY = Duration.ofSeconds(30);

  /** Makes candidates; what is slow. */
  interface Workshop {
    /** The candidate that was made for a request before. */
    Optional<Candidate> find(Model model, String requestId) throws IOException;

    /**
     * Makes it from events in (start, end].
     *
     * @param extras what its details say besides what it was made from
     */
    Candidate make(
        Project project,
        int projectRevision,
        Model model,
        long startMillis,
        long endMillis,
        String requestId,
        ObjectNode extras)
        throws IOException, InterruptedException;
  }

  /** What became of a request. */
  enum Outcome {
    /** Nothing was asked for. */
    SUPPRESSED,
    /** It was a version before. */
    ALREADY_DONE,
    /** It is a version now, and its gates were run. */
    VERSION,
    /** It cannot become one; an alert says why. */
    ALERT
  }

  private final Lifecycle lifecycle;
  private final Alerts alerts;
  private final Workshop workshop;
  private final LongSupplier clockMillis;
  private final Consumer<String> progress;

  RequestedTraining(
      Lifecycle lifecycle,
      Alerts alerts,
      Workshop workshop,
      LongSupplier clockMillis,
      Consumer<String> progress) {
    this.lifecycle = lifecycle;
    this.alerts = alerts;
    this.workshop = workshop;
    this.clockMillis = clockMillis;
    this.progress = progress;
  }

  /**
   * Fulfils a request.
   *
   * @throws IOException and whatever unchecked, where the same may succeed later
   */
  Outcome fulfil(Project project, int projectRevision, RetrainingRequest request)
      throws IOException, InterruptedException {
    if (!request.isRequested()) {
      return Outcome.SUPPRESSED;
    }
    if (VersionPublisher.isPublished(lifecycle, request.model(), request.requestId())) {
      progress.accept("request " + request.requestId() + " is a version already");
      return Outcome.ALREADY_DONE;
    }
    try {
      VersionPublisher.Published published =
          new VersionPublisher(lifecycle, clockMillis, PATIENCE_WITH_REGISTRY, progress)
              .publish(
                  candidate(project, projectRevision, request),
                  ACTOR,
                  "retraining request " + request.requestId() + ", cause " + request.cause());
      progress.accept(
          "%s version %d: %s"
              .formatted(
                  request.model(),
                  published.version().version(),
                  published.validated() ? "passed its gates" : "failed its gates"));
      return Outcome.VERSION;
    } catch (TrainingException e) {
      if (!e.isFinal()) {
        throw e;
      }
      return giveUp(project.name(), request, String.valueOf(e.getMessage()));
    } catch (VersionPublisher.RefusedException e) {
      return giveUp(project.name(), request, String.valueOf(e.getMessage()));
    }
  }

  /** Says that a request becomes no version, and why. */
  Outcome giveUp(String project, RetrainingRequest request, String why)
      throws IOException, InterruptedException {
    progress.accept("giving up request " + request.requestId() + ": " + why);
    ObjectNode evidence = JSON.createObjectNode();
    evidence.put("request_id", request.requestId());
    evidence.put("cause", request.cause());
    evidence.put("window_end", request.endMillis());
    alerts.raise(
        new Alerts.Alert(
            alertId(request),
            project,
            request.model(),
            Alerts.TRAINING_FAILED,
            why,
            request.endMillis(),
            evidence.toString()));
    return Outcome.ALERT;
  }

  private Candidate candidate(Project project, int projectRevision, RetrainingRequest request)
      throws IOException, InterruptedException {
    Model model =
        project
            .model(request.model())
            .orElseThrow(
                () ->
                    TrainingException.ofDefinition(
                        "Cannot train %s: project %s has no such model any more"
                            .formatted(request.model(), project.name())));
    Optional<Candidate> made = workshop.find(model, request.requestId());
    if (made.isPresent()) {
      progress.accept("the files of request " + request.requestId() + " are there already");
      return made.get();
    }
    Model.Training training = model.training();
    if (training == null) {
      throw TrainingException.ofDefinition(
          "Cannot train %s: its definition does not say how; add training: to the model"
              .formatted(model.name()));
    }
    Long asked = request.windowStartMillis();
    long endMillis = request.endMillis();
    ObjectNode extras = JSON.createObjectNode();
    extras.put("request_id", request.requestId());
    extras.put("cause", request.cause());
    return workshop.make(
        project,
        projectRevision,
        model,
        asked == null ? endMillis - training.window().toMillis() : asked,
        endMillis,
        request.requestId(),
        extras);
  }

  private static String alertId(RetrainingRequest request) {
    String text =
        String.join("\u001f", request.model(), Alerts.TRAINING_FAILED, request.requestId());
    return HexFormat.of()
        .formatHex(TrainingSet.digest().digest(text.getBytes(StandardCharsets.UTF_8)))
        .substring(0, 32);
  }
}
