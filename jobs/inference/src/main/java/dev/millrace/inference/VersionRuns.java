package dev.millrace.inference;

import dev.millrace.core.definition.Model;
import dev.millrace.core.row.Numbers;
import dev.millrace.scoring.RunEndedException;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs versions on events. A run that does not come back is ended; a version of which that happens
 * {@value #ENDED_RUNS} times in a row is not asked again for its deployment, until the task starts
 * anew.
 *
 * <p>For one thread.
 */
final class VersionRuns {

  static final int ENDED_RUNS = 3;

  private static final Logger LOG = LoggerFactory.getLogger(VersionRuns.class);

  /** Beyond it those that were left out are tried again. */
  private static final int REMEMBERED = 64;

  private final String model;
  private final InferenceMetrics metrics;
  private final WaitClock clock;
  private final BatchScoring.Out out;
  private final LogLimit logLimit = new LogLimit();

  /** The rows of the batch that lack what the version takes: a vector, or a text that it can. */
  private final BitSet unfit = new BitSet();

  /** How many runs in a row were ended; those without one are not there. */
  private final Map<Tried, Integer> ended = new HashMap<>();

  private record Tried(String deploymentId, String sha256) {}

  VersionRuns(String model, InferenceMetrics metrics, WaitClock clock, BatchScoring.Out out) {
    this.model = model;
    this.metrics = metrics;
    this.clock = clock;
    this.out = out;
  }

  /** Whether the version ran: then every event has a score, which may be NaN. */
  boolean run(
      Serving.Served served, Serving.Version version, List<PendingEvent> events, double[] into) {
    if (!ended.isEmpty() && ended.getOrDefault(tried(served, version), 0) >= ENDED_RUNS) {
      return false;
    }
    Scorer scorer = version.scorer();
    try {
      put(version, events, scorer);
      scorer.score(events.size());
      for (int row = 0; row < events.size(); row++) {
        into[row] = unfit.get(row) ? Double.NaN : scorer.scored(row);
      }
    } catch (RunEndedException e) {
      ended(served, version, e);
      return false;
    } catch (IllegalStateException e) {
      failed(e);
      return false;
    } finally {
      scorer.end();
    }
    if (!ended.isEmpty()) {
      ended.remove(tried(served, version));
    }
    return true;
  }

  private void put(Serving.Version version, List<PendingEvent> events, Scorer scorer) {
    InputPlan inputs = version.inputs();
    int columns = inputs.inputs().size();
    unfit.clear();
    for (int row = 0; row < events.size(); row++) {
      PendingEvent event = events.get(row);
      for (int column = 0; column < columns; column++) {
        int place = inputs.firstInput() + column;
        Object value = event.inputs[place];
        if (value instanceof Double number) {
          scorer.put(row, column, number);
        } else if (value instanceof String text) {
          scorer.put(row, column, text);
        } else if (value instanceof Numbers vector && vector.size() == scorer.width(column)) {
          scorer.put(row, column, vector);
        } else if (inputs.isVector(column) || event.flaw(place) != null) {
          // What an earlier row left in its place is scored for nothing.
          unfit.set(row);
        } else if (inputs.kind(column) == Model.Input.Kind.TEXT) {
          scorer.put(row, column, inputs.missing().text(column));
        } else {
          scorer.put(row, column, inputs.missing().value(column));
        }
      }
    }
  }

  /**
   * Why a version has no score for an event that lacks a vector, or has a text that no model takes;
   * null where that is not so.
   */
  static @Nullable String unfit(Serving.Version version, PendingEvent event) {
    InputPlan inputs = version.inputs();
    for (int column = 0; column < inputs.inputs().size(); column++) {
      String flaw = event.flaw(inputs.firstInput() + column);
      if (flaw != null) {
        return "takes no such text as %s: %s".formatted(inputs.inputs().get(column).name(), flaw);
      }
      if (inputs.isVector(column)) {
        int width = version.scorer().width(column);
        Object value = event.inputs[inputs.firstInput() + column];
        if (!(value instanceof Numbers vector) || vector.size() != width) {
          return "takes %d values of %s where the event has %s"
              .formatted(
                  width,
                  inputs.inputs().get(column).name(),
                  value instanceof Numbers vector
                      ? String.valueOf(vector.size())
                      : "none that is finite");
        }
      }
    }
    return null;
  }

  private void failed(IllegalStateException e) {
    long heldBack = logLimit.pass(clock.nanoTime());
    if (heldBack >= 0) {
      LOG.error("Others answer ({} like it since the last line)", heldBack, e);
    }
  }

  private void ended(Serving.Served served, Serving.Version version, RunEndedException e) {
    metrics.runsEnded.inc();
    failed(e);
    if (ended.size() >= REMEMBERED) {
      ended.clear();
    }
    int times = ended.merge(tried(served, version), 1, Integer::sum);
    if (times == ENDED_RUNS) {
      String reason =
          "version %d of model %s is left out of deployment %s: %d runs in a row did not come back (%s); roll it back"
              .formatted(
                  version.deployed().version(),
                  model,
                  served.deployment().deploymentId(),
                  times,
                  e.getMessage());
      LOG.error("Others answer from now on: {}", reason);
      out.leftOut(served.deployment(), reason);
    }
  }

  private static Tried tried(Serving.Served served, Serving.Version version) {
    return new Tried(served.deployment().deploymentId(), version.deployed().sha256());
  }
}
