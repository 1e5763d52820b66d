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
 * The models that one task decides about. Its store has their events, one row each: an event more
 * costs one row, however many versions there are. What is decided by is their fold in memory, which
 * is made when a model is first asked for, so that a task begins at once.
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
   * Begins with what the store has.
   *
   * @param journal what the journal has of these models: the store is made again from it where it
   *     is empty
   */
  static ModelHistories open(
      JournalWire wire,
      KeyValueStore<String, byte[]> rows,
      Supplier<Collection<LifecycleEntry>> journal) {
    ModelHistories histories = new ModelHistories(wire, rows);
    if (histories.isEmpty()) {
      for (LifecycleEntry entry : journal.get()) {
        if (entry.kind() == Kind.EVENT) {
          histories.take(entry);
        }
      }
      LOG.info("{} models were read from the journal", histories.models.size());
    }
    return histories;
  }

  private boolean isEmpty() {
    try (KeyValueIterator<String, byte[]> all = rows.all()) {
      return !all.hasNext();
    }
  }

  /** What is known of a model, which may be nothing. */
  CataloguedModel model(String name) {
    CataloguedModel known = models.get(name);
    if (known != null) {
      return known;
    }
    CataloguedModel folded = CataloguedModel.empty(name);
    try (KeyValueIterator<String, byte[]> events =
        rows.range(row(name, 0), row(name, Long.MAX_VALUE))) {
      while (events.hasNext()) {
        folded = folded.with(event(name, events.next()));
      }
    }
    if (folded.state().sequence() > 0) {
      models.put(name, folded);
    }
    return folded;
  }

  private LifecycleEntry event(String model, KeyValue<String, byte[]> row) {
    try {
      return wire.entry(model, row.value);
    } catch (UnreadableException e) {
      throw new IllegalStateException(
          "Cannot read an event of the registry's own store: " + e.getMessage(), e);
    }
  }

  /**
   * Keeps the next event of a model. One that is known already, or has no number, changes nothing.
   */
  void take(LifecycleEntry event) {
    CataloguedModel before = model(event.model());
    CataloguedModel after = before.with(event);
    long sequence = after.state().sequence();
    if (sequence > before.state().sequence()) {
      models.put(event.model(), after);
      rows.put(row(event.model(), sequence), wire.event(event));
    }
  }

  private static String row(String model, long sequence) {
    return model + '\0' + String.format(Locale.ROOT, "%019d", sequence);
  }
}
