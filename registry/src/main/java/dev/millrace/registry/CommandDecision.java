package dev.millrace.registry;

import dev.millrace.core.catalog.CatalogRules;
import dev.millrace.core.lifecycle.DecidedDeployment;
import dev.millrace.core.lifecycle.ImportedEvent;
import dev.millrace.core.lifecycle.LifecycleRules;
import dev.millrace.core.lifecycle.LifecycleRules.Decision;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.lifecycle.Preparation;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.registry.journal.Promptness;
import dev.millrace.registry.journal.UnreadableException;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes one entry of the journal after the other and writes what the commands become. */
final class CommandDecision implements Processor<String, byte[], String, byte[]> {

  private static final Logger LOG = LoggerFactory.getLogger(CommandDecision.class);
  private static final Duration LOOK_EVERY = Duration.ofSeconds(1);

  private final JournalWire wire;
  private final JournalStart journal;
  private @Nullable Parts parts;

  CommandDecision(JournalWire wire, JournalStart journal) {
    this.wire = wire;
    this.journal = journal;
  }

  /** What the journal has of the models of a partition, as far as it is committed. */
  @FunctionalInterface
  interface JournalStart {
    Collection<LifecycleEntry> read(int partition);
  }

  /** What the task gives. */
  private record Parts(
      ProcessorContext<String, byte[]> context,
      Promptness promptness,
      ModelHistories models,
      KeyValueStore<String, Preparation> preparations,
      long sinceMillis) {}

  @Override
  public void init(ProcessorContext<String, byte[]> context) {
    parts =
        new Parts(
            context,
            Promptness.of(context),
            ModelHistories.open(
                wire,
                context.getStateStore(RegistryTopology.HISTORY),
                () -> journal.read(context.taskId().partition())),
            context.getStateStore(RegistryTopology.PREPARATIONS),
            context.currentSystemTimeMs());
    context.schedule(LOOK_EVERY, PunctuationType.WALL_CLOCK_TIME, this::expire);
  }

  @Override
  public void process(Record<String, byte[]> record) {
    Parts at = parts();
    LifecycleEntry entry;
    try {
      entry = wire.entry(record.key(), record.value());
    } catch (UnreadableException e) {
      // For ever unreadable: to stop here would stop every model for one bad record.
      LOG.error("Skipping the record at {}: {}", position(at), e.getMessage());
      return;
    }
    CataloguedModel model = at.models().model(entry.model());
    ModelState state = model.state();
    if (entry.kind() == Kind.EVENT) {
      // Folded when it was decided. One that was not decided here changes nothing.
      long sequence = ModelState.sequence(entry);
      if (sequence == 0 || sequence > state.sequence()) {
        LOG.warn(
            "Ignoring {} of model {} at {}: only the registry writes events",
            entry.type(),
            entry.model(),
            position(at));
      }
      return;
    }
    if (entry.is(Command.IMPORT)) {
      if (take(at, model, entry)) {
        at.promptness().decided(record);
      }
      return;
    }
    Preparation before = at.preparations().get(entry.model());
    long nowMillis = at.context().currentSystemTimeMs();
    Optional<LifecycleEntry> said =
        CatalogRules.takes(entry.type())
            ? CatalogRules.decide(model.page(), state, entry, nowMillis)
            : CatalogRules.repeated(model.page(), state, entry, nowMillis);
    Decision decision =
        CatalogRules.takes(entry.type()) || said.isPresent()
            ? catalogued(state, before, said)
            : LifecycleRules.decide(state, before, entry, nowMillis);
    put(at, entry.model(), before, decision);
    if (!decision.events().isEmpty()) {
      at.promptness().decided(record);
    }
  }

  /**
   * Writes an event of another registry as it is, where it is the model's next. Everything else
   * becomes nothing, not even a refusal: that would take the number of an event to come.
   *
   * @return whether it was written
   */
  private boolean take(Parts at, CataloguedModel model, LifecycleEntry command) {
    LifecycleEntry event;
    CataloguedModel after;
    try {
      event = ImportedEvent.of(command);
      if (ModelState.sequence(event) != model.state().sequence() + 1) {
        LOG.info(
            "Passing over the import of event {} of model {}: it has {}",
            ModelState.sequence(event),
            event.model(),
            model.state().sequence());
        return false;
      }
      after = model.with(event);
      // Tried before anything is written.
      for (DecidedDeployment deployment : DecidedDeployment.of(event).stream().toList()) {
        byte[] unusedDeployment = wire.deployment(event.model(), deployment);
      }
    } catch (RuntimeException e) {
      // In the journal it would stop everybody who folds it, for ever.
      LOG.warn("Not importing an event of model {}: {}", command.model(), e.getMessage());
      return false;
    }
    Preparation before = at.preparations().get(event.model());
    boolean waits =
        before != null
            && after
                .state()
                .preparing()
                .filter(d -> d.deploymentId().equals(before.deploymentId()))
                .isPresent();
    write(at, event);
    at.models().take(event);
    keep(at, event.model(), before, waits ? before : null);
    return true;
  }

  /** What the catalogue's rules say; the life of the model goes on as it was. */
  private static Decision catalogued(
      ModelState state, @Nullable Preparation preparation, Optional<LifecycleEntry> event) {
    return new Decision(
        event.stream().toList(), event.map(state::apply).orElse(state), preparation);
  }

  private void expire(long nowMillis) {
    Parts at = parts();
    Map<String, Preparation> waiting = new HashMap<>();
    try (KeyValueIterator<String, Preparation> all = at.preparations().all()) {
      while (all.hasNext()) {
        KeyValue<String, Preparation> next = all.next();
        waiting.put(next.key, next.value);
      }
    }
    waiting.forEach(
        (model, preparation) -> {
          Decision decision =
              LifecycleRules.expire(
                  at.models().model(model).state(), preparation, at.sinceMillis(), nowMillis);
          put(at, model, preparation, decision);
          if (!decision.events().isEmpty()) {
            at.promptness().commit();
          }
        });
  }

  private void put(Parts at, String model, @Nullable Preparation before, Decision decision) {
    decision.events().forEach(event -> write(at, event));
    decision.events().forEach(at.models()::take);
    keep(at, model, before, decision.preparation());
  }

  private void write(Parts at, LifecycleEntry event) {
    String model = event.model();
    LOG.info(
        "{} {} version {} by {}: {}",
        event.type(),
        model,
        event.version(),
        event.actor(),
        event.reason());
    at.context()
        .forward(new Record<>(model, wire.event(event), event.atMillis()), RegistryTopology.EVENTS);
    DecidedDeployment.of(event)
        .ifPresent(
            deployment ->
                at.context()
                    .forward(
                        new Record<>(model, wire.deployment(model, deployment), event.atMillis()),
                        RegistryTopology.DEPLOYMENTS));
  }

  private static void keep(
      Parts at, String model, @Nullable Preparation before, @Nullable Preparation after) {
    if (after == null) {
      if (before != null) {
        var unusedPreparation = at.preparations().delete(model);
      }
    } else if (!after.equals(before)) {
      at.preparations().put(model, after);
    }
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
