package dev.millrace.registry;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.registry.journal.UnreadableException;
import java.util.Collection;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The models that one task decides about. Its store has their events, one row each, and what is
 * decided by is their fold in memory: an event more costs one row, however many versions there are.
 */
final class ModelHistories {

  private static final Logger LOG = LoggerFactory.getLogger(ModelHistories.class);

  private final JournalWire wire;
  private final KeyValueStore<String, byte[]> rows;
  private final Map<String, CataloguedModel> models = new HashMap<>();

  private ModelHistories(JournalWire wire, KeyValueStore<String, byte[]> rows) {
    this.wire = wire;
    this.rows = rows;
  }

  /**
   * Folds what the store has.
   *
   * @param journal what the journal has of these models: the store is made again from it where it
   *     is empty
   */
  static ModelHistories open(
      JournalWire wire,
      KeyValueStore<String, byte[]> rows,
      Supplier<Collection<LifecycleEntry>> journal) {
    ModelHistories histories = new ModelHistories(wire, rows);
    long events = 0;
    try (KeyValueIterator<String, byte[]> all = rows.all()) {
      while (all.hasNext()) {
        histories.fold(histories.event(all.next()));
        events++;
      }
    }
    if (events == 0) {
      for (LifecycleEntry entry : journal.get()) {
        if (entry.kind() == Kind.EVENT) {
          histories.take(entry);
          events++;
        }
      }
    }
    LOG.info("{} events of {} models are known", events, histories.models.size());
    return histories;
  }

  private LifecycleEntry event(KeyValue<String, byte[]> row) {
    try {
      return wire.entry(row.key.substring(0, row.key.indexOf('\0')), row.value);
    } catch (UnreadableException e) {
      throw new IllegalStateException(
          "Cannot read an event of the registry's own store: " + e.getMessage(), e);
    }
  }

  /** What is known of a model, which may be nothing. */
  CataloguedModel model(String name) {
    CataloguedModel known = models.get(name);
    return known == null ? CataloguedModel.empty(name) : known;
  }

  /**
   * Keeps the next event of a model. One that is known already, or has no number, changes nothing.
   */
  void take(LifecycleEntry event) {
    if (fold(event)) {
      long sequence = model(event.model()).state().sequence();
      rows.put(
          event.model() + '\0' + String.format(Locale.ROOT, "%019d", sequence), wire.event(event));
    }
  }

  private boolean fold(LifecycleEntry event) {
    CataloguedModel before = model(event.model());
    CataloguedModel after = before.with(event);
    models.put(event.model(), after);
    return after.state().sequence() > before.state().sequence();
  }
}
