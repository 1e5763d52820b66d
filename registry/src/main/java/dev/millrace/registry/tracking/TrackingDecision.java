package dev.millrace.registry.tracking;

import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.Experiment;
import dev.millrace.core.tracking.ExperimentRules;
import dev.millrace.core.tracking.ExperimentsState;
import dev.millrace.core.tracking.ImportedTracking;
import dev.millrace.core.tracking.LoggedModel;
import dev.millrace.core.tracking.LoggedModelRules;
import dev.millrace.core.tracking.LoggedModelState;
import dev.millrace.core.tracking.Run;
import dev.millrace.core.tracking.RunMetrics;
import dev.millrace.core.tracking.RunRules;
import dev.millrace.core.tracking.RunState;
import dev.millrace.core.tracking.Subject;
import dev.millrace.core.tracking.Tally;
import dev.millrace.core.tracking.TrackingEntry;
import dev.millrace.core.tracking.TrackingEntry.Command;
import dev.millrace.core.tracking.TrackingEntry.Event;
import dev.millrace.core.tracking.TrackingEntry.Kind;
import dev.millrace.registry.journal.Promptness;
import dev.millrace.registry.journal.UnreadableException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes one entry of the journal after the other and writes what the commands become. */
final class TrackingDecision implements Processor<String, byte[], String, byte[]> {

  private static final Logger LOG = LoggerFactory.getLogger(TrackingDecision.class);

  private final TrackingWire wire;
  private @Nullable Parts parts;

  /** Of the one task whose partition they are in; read from the store when they are asked for. */
  private @Nullable ExperimentsState experiments;

  TrackingDecision(TrackingWire wire) {
    this.wire = wire;
  }

  /** What the task gives. */
  private record Parts(
      ProcessorContext<String, byte[]> context,
      Promptness promptness,
      KeyValueStore<String, Experiment> experiments,
      KeyValueStore<String, Run> runs,
      KeyValueStore<String, LoggedModel> models,
      KeyValueStore<String, Tally> tallies,
      KeyValueStore<String, byte[]> points) {

    Tally tally(String subject) {
      Tally known = tallies.get(subject);
      return known == null ? Tally.NONE : known;
    }
  }

  @Override
  public void init(ProcessorContext<String, byte[]> context) {
    experiments = null;
    parts =
        new Parts(
            context,
            Promptness.of(context),
            context.getStateStore(TrackingTopology.EXPERIMENTS),
            context.getStateStore(TrackingTopology.RUNS),
            context.getStateStore(TrackingTopology.LOGGED_MODELS),
            context.getStateStore(TrackingTopology.TALLIES),
            context.getStateStore(TrackingTopology.POINTS));
  }

  @Override
  public void process(Record<String, byte[]> record) {
    Parts at = parts();
    TrackingEntry entry;
    try {
      entry = wire.entry(record.key(), record.value());
    } catch (UnreadableException e) {
      // For ever unreadable: to stop here would stop every run for one bad record.
      LOG.error("Skipping the record at {}: {}", position(at), e.getMessage());
      return;
    }
    if (entry.kind() == Kind.EVENT) {
      passOver(at, entry);
      return;
    }
    long nowMillis = at.context().currentSystemTimeMs();
    switch (Subject.of(entry.subject()).orElseThrow()) {
      case ALL_EXPERIMENTS -> experiments(at, record, entry, nowMillis);
      case RUN -> run(at, record, entry, nowMillis);
      case LOGGED_MODEL -> model(at, record, entry, nowMillis);
    }
  }

  /** Folded when it was decided. One that was not decided here changes nothing. */
  private static void passOver(Parts at, TrackingEntry event) {
    long sequence;
    try {
      sequence = LifecycleJson.details(event.details()).path(Tally.SEQUENCE).asLong(0);
    } catch (IllegalArgumentException e) {
      sequence = 0;
    }
    if (sequence == 0 || sequence > at.tally(event.subject()).sequence()) {
      LOG.warn(
          "Ignoring {} of {} at {}: only the registry writes events",
          event.type(),
          event.subject(),
          position(at));
    }
  }

  /** All that is folded of a run's event. */
  private record Folded(RunState state, RunMetrics metrics) {}

  /** What the rules say; of a command that asks for another registry's event, that event. */
  private static Optional<TrackingEntry> decided(
      TrackingEntry command,
      Tally tally,
      Function<TrackingEntry, Object> fold,
      Supplier<Optional<TrackingEntry>> rules) {
    return command.is(Command.IMPORT) ? imported(command, tally, fold) : rules.get();
  }

  /**
   * The event where it is the subject's next. Everything else becomes nothing, not even a refusal:
   * that would take the number of an event to come.
   */
  private static Optional<TrackingEntry> imported(
      TrackingEntry command, Tally tally, Function<TrackingEntry, Object> fold) {
    try {
      TrackingEntry event = ImportedTracking.of(command);
      long sequence = LifecycleJson.sequence(event.details());
      if (sequence == tally.sequence() + 1) {
        Object unusedFolded = fold.apply(event);
        return Optional.of(event);
      }
      LOG.info(
          "Passing over the import of event {} of {}: it has {}",
          sequence,
          event.subject(),
          tally.sequence());
    } catch (RuntimeException e) {
      // In the journal it would stop everybody who folds it, for ever.
      LOG.warn("Not importing an event of {}: {}", command.subject(), e.getMessage());
    }
    return Optional.empty();
  }

  private void experiments(
      Parts at, Record<String, byte[]> record, TrackingEntry command, long nowMillis) {
    ExperimentsState before = experiments;
    if (before == null) {
      List<Experiment> kept = new ArrayList<>();
      try (KeyValueIterator<String, Experiment> all = at.experiments().all()) {
        all.forEachRemaining(e -> kept.add(e.value));
      }
      before = ExperimentsState.of(at.tally(Subject.EXPERIMENTS), kept);
      experiments = before;
    }
    ExperimentsState state = before;
    decided(
            command,
            state.tally(),
            state::apply,
            () -> ExperimentRules.decide(state, command, nowMillis))
        .ifPresent(
            event -> {
              state.changed(event).ifPresent(e -> at.experiments().put(e.id(), e));
              ExperimentsState after = state.apply(event);
              experiments = after;
              write(at, record, event, after.tally());
            });
  }

  private void run(Parts at, Record<String, byte[]> record, TrackingEntry command, long nowMillis) {
    String id = command.subject();
    RunState state = new RunState(at.runs().get(id), at.tally(id));
    StoredPoints points = new StoredPoints(id, at.points());
    decided(
            command,
            state.tally(),
            event -> new Folded(state.apply(event), RunMetrics.NONE.apply(event)),
            () -> RunRules.decide(state, points, command, nowMillis))
        .ifPresent(
            event -> {
              RunState after = state.apply(event);
              Run run = after.run();
              if (run != null && !run.equals(state.run())) {
                at.runs().put(id, run);
              }
              if (event.is(Event.LOGGED)) {
                points.add(event);
              }
              write(at, record, event, after.tally());
            });
  }

  private void model(
      Parts at, Record<String, byte[]> record, TrackingEntry command, long nowMillis) {
    String id = command.subject();
    LoggedModelState state = new LoggedModelState(at.models().get(id), at.tally(id));
    decided(
            command,
            state.tally(),
            state::apply,
            () -> LoggedModelRules.decide(state, command, nowMillis))
        .ifPresent(
            event -> {
              LoggedModelState after = state.apply(event);
              LoggedModel model = after.model();
              if (model != null && !model.equals(state.model())) {
                at.models().put(id, model);
              }
              write(at, record, event, after.tally());
            });
  }

  private void write(Parts at, Record<String, byte[]> command, TrackingEntry event, Tally tally) {
    LOG.debug("{} {} by {}", event.type(), event.subject(), event.actor());
    at.tallies().put(event.subject(), tally);
    at.context()
        .forward(
            new Record<>(event.subject(), wire.bytes(event), event.atMillis()),
            TrackingTopology.EVENTS);
    at.promptness().decided(command);
  }

  private static String position(Parts at) {
    return at.context()
        .recordMetadata()
        .map(m -> m.topic() + " " + m.partition() + ":" + m.offset())
        .orElse("no position");
  }

  private Parts parts() {
    Parts at = parts;
    if (at == null) {
      throw new IllegalStateException("Cannot decide before init");
    }
    return at;
  }
}
