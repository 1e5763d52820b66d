package dev.millrace.registry.tracking;

import dev.millrace.core.tracking.ExperimentsState;
import dev.millrace.core.tracking.LoggedModel;
import dev.millrace.core.tracking.TrackingEntry;
import dev.millrace.registry.journal.UnansweredException;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What is known of experiments, runs and logged models, and the way to change it. For many threads.
 */
public interface Tracking {

  ExperimentsState experiments();

  /** A run; also one that was deleted. */
  Optional<TrackedRun> run(String id);

  /** Those of an experiment. */
  Stream<TrackedRun> runs(String experimentId);

  /** A logged model; also one that was deleted. */
  Optional<LoggedModel> model(String id);

  /** Those of an experiment. */
  Stream<LoggedModel> models(String experimentId);

  /** About how many bytes of memory it all takes. */
  long bytes();

  /**
   * Asks for a change and waits until it is decided, kept for good, and seen here.
   *
   * @return the event: what became of it, or the refusal
   * @throws UnansweredException where nothing is decided in time; it may be later
   */
  TrackingEntry submit(TrackingEntry command) throws InterruptedException;
}
