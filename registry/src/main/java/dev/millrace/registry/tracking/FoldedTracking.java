package dev.millrace.registry.tracking;

import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.ExperimentsState;
import dev.millrace.core.tracking.LoggedModel;
import dev.millrace.core.tracking.LoggedModelState;
import dev.millrace.core.tracking.Run;
import dev.millrace.core.tracking.RunMetrics;
import dev.millrace.core.tracking.RunState;
import dev.millrace.core.tracking.Subject;
import dev.millrace.core.tracking.TrackingEntry;
import dev.millrace.core.tracking.TrackingEntry.Event;
import dev.millrace.core.tracking.TrackingEntry.Kind;
import dev.millrace.registry.journal.Answers;
import dev.millrace.registry.journal.NumberedAnswers;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The journal of tracking as far as it was read. One thread brings entries, many ask. */
final class FoldedTracking {

  private static final Logger LOG = LoggerFactory.getLogger(FoldedTracking.class);

  /** Three numbers, and room to grow. */
  private static final int POINT_BYTES = 36;

  private static final int METRIC_BYTES = 300;

  private record Folded(RunState state, RunMetrics metrics) {
    static final Folded NONE = new Folded(RunState.empty(), RunMetrics.NONE);
  }

  private volatile ExperimentsState experiments = ExperimentsState.empty();
  private final Map<String, Folded> runs = new ConcurrentHashMap<>();
  private final Map<String, LoggedModelState> models = new ConcurrentHashMap<>();
  private final Map<String, Set<String>> runsOf = new ConcurrentHashMap<>();
  private final Map<String, Set<String>> modelsOf = new ConcurrentHashMap<>();
  private final AtomicLong bytes = new AtomicLong();
  private final Answers<TrackingEntry> answers = new Answers<>();
  private final NumberedAnswers<TrackingEntry> numbered = new NumberedAnswers<>();

  /** Takes the next entry of the journal. */
  void take(TrackingEntry entry) {
    if (entry.kind() != Kind.EVENT) {
      return;
    }
    boolean changed;
    try {
      changed =
          switch (Subject.of(entry.subject()).orElseThrow()) {
            case ALL_EXPERIMENTS -> experiments(entry);
            case RUN -> run(entry);
            case LOGGED_MODEL -> model(entry);
          };
    } catch (IllegalArgumentException e) {
      // Written by somebody else: the registry's own events are sound.
      LOG.warn("Passing over an event of {}: {}", entry.subject(), e.getMessage());
      return;
    }
    if (changed) {
      answers.take(
          new Answers.Asked(entry.subject(), entry.idempotencyKey()), entry, entry.mayComeAgain());
      numbered.take(entry.subject(), LifecycleJson.sequence(entry.details()), entry);
    }
  }

  private boolean experiments(TrackingEntry event) {
    ExperimentsState before = experiments;
    ExperimentsState after = before.apply(event);
    experiments = after;
    return after.tally().sequence() != before.tally().sequence();
  }

  private boolean run(TrackingEntry event) {
    Folded before = runs.getOrDefault(event.subject(), Folded.NONE);
    RunState after = before.state.apply(event);
    if (after.tally().sequence() == before.state.tally().sequence()) {
      return false;
    }
    runs.put(event.subject(), new Folded(after, before.metrics.apply(event)));
    Run run = after.run();
    long unusedBytes = bytes.addAndGet(bytes(after) - bytes(before.state));
    if (event.is(Event.RUN_CREATED) && run != null) {
      gather(runsOf, run.experimentId(), run.id());
    }
    return true;
  }

  static long bytes(RunState state) {
    Run run = state.run();
    return state.tally().points() * POINT_BYTES
        + (long) state.tally().metrics() * METRIC_BYTES
        + (run == null ? 0 : run.bytes());
  }

  private boolean model(TrackingEntry event) {
    LoggedModelState before = models.getOrDefault(event.subject(), LoggedModelState.empty());
    LoggedModelState after = before.apply(event);
    if (after.tally().sequence() == before.tally().sequence()) {
      return false;
    }
    models.put(event.subject(), after);
    LoggedModel model = after.model();
    LoggedModel known = before.model();
    long unusedBytes =
        bytes.addAndGet((model == null ? 0 : model.bytes()) - (known == null ? 0 : known.bytes()));
    if (event.is(Event.LOGGED_MODEL_CREATED) && model != null) {
      gather(modelsOf, model.experimentId(), model.id());
    }
    return true;
  }

  private static void gather(Map<String, Set<String>> index, String experiment, String id) {
    index.computeIfAbsent(experiment, unused -> ConcurrentHashMap.newKeySet()).add(id);
  }

  ExperimentsState experiments() {
    return experiments;
  }

  Optional<TrackedRun> run(String id) {
    Folded folded = runs.get(id);
    Run run = folded == null ? null : folded.state.run();
    return folded == null || run == null
        ? Optional.empty()
        : Optional.of(new TrackedRun(run, folded.metrics));
  }

  Stream<TrackedRun> runs(String experimentId) {
    return runsOf.getOrDefault(experimentId, Set.of()).stream()
        .map(this::run)
        .flatMap(Optional::stream);
  }

  Optional<LoggedModel> model(String id) {
    return Optional.ofNullable(models.get(id)).map(LoggedModelState::model);
  }

  Stream<LoggedModel> models(String experimentId) {
    return modelsOf.getOrDefault(experimentId, Set.of()).stream()
        .map(id -> model(id).orElse(null))
        .filter(Objects::nonNull);
  }

  long bytes() {
    return bytes.get();
  }

  Answers<TrackingEntry> answers() {
    return answers;
  }

  NumberedAnswers<TrackingEntry> numbered() {
    return numbered;
  }
}
