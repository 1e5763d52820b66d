package dev.millrace.trainer;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.core.model.LifecycleEntry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Makes a candidate a version: asks the registry to register and then to validate it.
 *
 * <p>Each question has a key of its own, and is asked only where the journal has no answer to it.
 * So this may be cut off anywhere and be begun again.
 */
public final class VersionPublisher {

  private static final String VALIDATE = "/validate";

  private final Lifecycle lifecycle;
  private final LongSupplier clockMillis;
  private final Duration patience;
  private final Consumer<String> progress;

  /**
   * A publisher.
   *
   * @param patience with the registry, for each answer
   * @param progress told in a few words what happens now
   */
  public VersionPublisher(
      Lifecycle lifecycle, LongSupplier clockMillis, Duration patience, Consumer<String> progress) {
    this.lifecycle = lifecycle;
    this.clockMillis = clockMillis;
    this.patience = patience;
    this.progress = progress;
  }

  /**
   * A version that is registered.
   *
   * @param uri of the ONNX artifact
   */
  public record Version(String model, int version, String uri, String sha256) {}

  /** A version, and what became of its gates. */
  public record Published(Version version, Candidate candidate, LifecycleEntry validation) {

    public Path model() {
      return candidate.onnx();
    }

    public Path lineage() {
      return candidate.lineage();
    }

    /** Whether it may be promoted without force. */
    public boolean validated() {
      return validation.is(LifecycleEntry.Event.VERSION_VALIDATED);
    }
  }

  /** The registry does not take the candidate; the message says why. */
  public static final class RefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    RefusedException(String message) {
      super(message);
    }
  }

  /** The registry has not answered in time: it may do so later. */
  public static final class UnansweredException extends IOException {
    private static final long serialVersionUID = 1L;

    UnansweredException(String message) {
      super(message);
    }
  }

  /** Whether the registry has said all that it is asked about a key. */
  public static boolean isPublished(Lifecycle lifecycle, String model, String idempotencyKey)
      throws IOException, InterruptedException {
    return lifecycle.answer(model, idempotencyKey + VALIDATE).isPresent();
  }

  /** Registers and validates. */
  public Published publish(Candidate candidate, String actor, String reason)
      throws IOException, InterruptedException {
    LifecycleEntry registered =
        answer(
            new LifecycleEntry(
                candidate.model(),
                LifecycleEntry.Kind.COMMAND,
                LifecycleEntry.Command.REGISTER.name(),
                null,
                actor,
                reason,
                clockMillis.getAsLong(),
                candidate.idempotencyKey(),
                candidate.uri(),
                candidate.sha256(),
                candidate.details().toString()));
    Integer number = registered.version();
    if (!registered.is(LifecycleEntry.Event.VERSION_REGISTERED) || number == null) {
      throw new RefusedException(
          "Cannot register %s from %s: the registry says %s"
              .formatted(candidate.model(), candidate.folder(), registered.reason()));
    }
    // What the registry has is what counts.
    Version version =
        new Version(
            candidate.model(),
            number,
            Objects.requireNonNullElse(registered.uri(), candidate.uri()),
            Objects.requireNonNullElse(registered.sha256(), candidate.sha256()));
    progress.accept("registered as version " + version.version());
    LifecycleEntry validation =
        validate(
            LifecycleEntry.command(
                candidate.model(),
                LifecycleEntry.Command.VALIDATE,
                version.version(),
                actor,
                reason(candidate.validation()),
                clockMillis.getAsLong(),
                candidate.idempotencyKey() + VALIDATE,
                candidate.validation().toString()));
    return new Published(version, candidate, validation);
  }

  /** Asks the registry to validate; gives the event that it became. */
  LifecycleEntry validate(LifecycleEntry command) throws IOException, InterruptedException {
    LifecycleEntry validation = answer(command);
    if (validation.is(LifecycleEntry.Event.REFUSED)) {
      throw new RefusedException(
          "Cannot validate %s version %d: the registry says %s"
              .formatted(command.model(), command.version(), validation.reason()));
    }
    return validation;
  }

  /** In a few words, why gates let a version through or held it back. */
  static String reason(JsonNode validation) {
    if (validation.path("gates").isEmpty()) {
      return "no gates are defined";
    }
    StringBuilder failed = new StringBuilder();
    for (JsonNode gate : validation.path("gates")) {
      if (!gate.path("passed").asBoolean()) {
        failed.append(failed.isEmpty() ? "" : ", ").append(gate.path("name").asText());
      }
    }
    return failed.isEmpty() ? "passed all gates" : "failed " + failed;
  }

  private LifecycleEntry answer(LifecycleEntry command) throws IOException, InterruptedException {
    Optional<LifecycleEntry> known = lifecycle.answer(command.model(), command.idempotencyKey());
    if (known.isPresent()) {
      return known.get();
    }
    progress.accept("asking the registry to " + command.type());
    lifecycle.ask(command);
    return lifecycle
        .await(command.model(), command.idempotencyKey(), patience)
        .orElseThrow(
            () ->
                new UnansweredException(
                    "Cannot %s %s: the registry has not answered command %s for %d s; is it up?"
                            .formatted(
                                command.type(),
                                command.model(),
                                command.idempotencyKey(),
                                patience.toSeconds())
                        + " see ./millrace status. The files are kept, and the same command may be"
                        + " given again"));
  }
}
