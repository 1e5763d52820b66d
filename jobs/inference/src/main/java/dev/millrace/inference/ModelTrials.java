package dev.millrace.inference;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.scoring.InputColumn;
import dev.millrace.scoring.ModelRefusedException;
import dev.millrace.scoring.ModelTrial;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What came of trying versions in a JVM of their own: once for all tasks of a process. */
final class ModelTrials {

  private static final int REMEMBERED = 1_000;

  /** How long what was refused is not tried again: all tasks ask at the same time. */
  private static final long REFUSED_NANOS = TimeUnit.MINUTES.toNanos(1);

  /** One trial at a time, so that they do not take all memory together; guarded by itself. */
  private static final Map<Tried, Outcome> OUTCOMES =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Tried, Outcome> eldest) {
          return size() > REMEMBERED;
        }
      };

  private record Tried(String sha256, List<InputColumn> inputs) {}

  private record Outcome(@Nullable ModelRefusedException refused, long atNanos) {
    boolean stands() {
      return refused == null || System.nanoTime() - atNanos < REFUSED_NANOS;
    }
  }

  /** Tries a version, or recalls how that ended. */
  static void pass(
      DeployedVersion version, List<InputColumn> inputs, int maxRows, ModelTrial.Limits limits)
      throws IOException {
    Tried tried = new Tried(version.sha256(), List.copyOf(inputs));
    synchronized (OUTCOMES) {
      Outcome outcome = OUTCOMES.get(tried);
      if (outcome == null || !outcome.stands()) {
        outcome = new Outcome(refused(version, inputs, maxRows, limits), System.nanoTime());
        OUTCOMES.put(tried, outcome);
      }
      if (outcome.refused() != null) {
        throw outcome.refused();
      }
    }
  }

  private static @Nullable ModelRefusedException refused(
      DeployedVersion version, List<InputColumn> inputs, int maxRows, ModelTrial.Limits limits)
      throws IOException {
    try {
      ModelTrial.run(SharedModel.file(version.uri()), version.sha256(), inputs, maxRows, limits);
      return null;
    } catch (ModelRefusedException e) {
      return e;
    }
  }

  private ModelTrials() {}
}
