package dev.millrace.bench;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Versions of models, as the trainer registers and a person deploys them. */
final class Versions {

  private static final Duration REGISTRY_PATIENCE = Duration.ofSeconds(60);

  private final LifecycleLog lifecycle;

  Versions(Target target, ConfluentSubjectRegistry registry) {
    this.lifecycle = new LifecycleLog(target, registry);
  }

  /** Registers a file; its version. */
  int register(String model, Path onnx, String what) throws Exception {
    LifecycleEntry registered =
        answer(
            new LifecycleEntry(
                model,
                LifecycleEntry.Kind.COMMAND,
                Command.REGISTER.name(),
                null,
                "bench",
                what,
                System.currentTimeMillis(),
                "bench-register-" + onnx.getFileName(),
                onnx.toUri().toString(),
                ScoringStage.sha256(Files.readAllBytes(onnx)),
                "{}"));
    Integer version = registered.version();
    if (version == null) {
      throw new IOException("Cannot register a model: " + registered.reason());
    }
    return version;
  }

  /** Makes a version champion and waits until it is. */
  void promote(String model, int version) throws Exception {
    take(Command.PROMOTE, model, version, "{\"force\": true}");
  }

  /** Puts a canary and shadows beside the champion and waits until they score. */
  void stage(String model, int canary, double share, List<Integer> shadows) throws Exception {
    take(
        Command.STAGE,
        model,
        null,
        "{\"force\": true, \"canary\": "
            + canary
            + ", \"share\": "
            + share
            + ", \"shadows\": "
            + shadows
            + "}");
  }

  private void take(Command command, String model, @Nullable Integer version, String details)
      throws Exception {
    Set<LifecycleEntry> before = new HashSet<>(effective(model));
    LifecycleEntry taken =
        answer(
            LifecycleEntry.command(
                model,
                command,
                version,
                "bench",
                "to be measured",
                System.currentTimeMillis(),
                "bench-" + model + "-" + System.nanoTime(),
                details));
    if (taken.is(LifecycleEntry.Event.REFUSED)) {
      throw new IOException("Cannot deploy model " + model + ": " + taken.reason());
    }
    long deadlineNanos = System.nanoTime() + REGISTRY_PATIENCE.toNanos();
    while (before.containsAll(effective(model))) {
      if (System.nanoTime() > deadlineNanos) {
        throw new IOException("Cannot deploy model " + model + ": it does not take effect");
      }
      TimeUnit.MILLISECONDS.sleep(200);
    }
  }

  private List<LifecycleEntry> effective(String model) {
    return lifecycle.read(model).stream()
        .filter(e -> e.is(LifecycleEntry.Event.DEPLOYMENT_EFFECTIVE))
        .toList();
  }

  private LifecycleEntry answer(LifecycleEntry command) throws IOException, InterruptedException {
    return lifecycle
        .submit(command, REGISTRY_PATIENCE)
        .orElseThrow(
            () -> new IOException("Cannot " + command.type() + " the model: no answer comes"));
  }
}
