package dev.millrace.inference;

import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.core.row.Positions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the rows of a batch: each row that is needed is asked for once, all in one round trip. Rows
 * of views on the model's own source that do not include their event yet are asked for again until
 * they do, or the batch has waited for {@code max-feature-wait}.
 *
 * <p>Where the store cannot be asked the rows are missing and the batch goes on.
 */
final class FeatureLookup implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(FeatureLookup.class);
  private static final long PAUSE_NANOS = 1_000_000;

  private final ScoringPlan plan;
  private final FeatureReads store;
  private final WaitClock clock;
  private final InferenceMetrics metrics;
  private final List<@Nullable Expression> filters = new ArrayList<>();
  private final StoreCircuit circuit = new StoreCircuit();
  private final LogLimit logLimit = new LogLimit();

  FeatureLookup(ScoringPlan plan, FeatureReads store, WaitClock clock, InferenceMetrics metrics) {
    this.plan = plan;
    this.store = store;
    this.clock = clock;
    this.metrics = metrics;
    for (ViewRead view : plan.views()) {
      String filter = view.filter();
      filters.add(
          filter == null
              ? null
              : Expression.compile(
                  filter, plan.source().schema(), Expression.Type.BOOLEAN, Map.of()));
    }
  }

  /** Where an event waits for its row. */
  private record Waiting(PendingEvent event, int view, String key) {}

  /** Sets the rows of each event that its versions read. */
  void find(List<PendingEvent> batch) {
    if (!plan.views().isEmpty()) {
      Map<String, Integer> viewByKey = new LinkedHashMap<>();
      for (PendingEvent event : batch) {
        for (int v : event.views(plan)) {
          String key = key(event, v);
          if (key != null) {
            viewByKey.putIfAbsent(key, v);
          }
        }
      }
      Map<String, @Nullable ViewRow> rows = new HashMap<>();
      if (!viewByKey.isEmpty() && ask(viewByKey, rows)) {
        await(take(batch, rows), viewByKey);
      }
    }
  }

  @Override
  public void close() {
    store.close();
  }

  private @Nullable String key(PendingEvent event, int view) {
    String entityKey = event.entityKeys[view];
    return entityKey == null ? null : plan.views().get(view).redisKey(entityKey);
  }

  /** Hands out the rows of the first read and gives those that are worth waiting for. */
  private List<Waiting> take(List<PendingEvent> batch, Map<String, @Nullable ViewRow> rows) {
    List<Waiting> waiting = new ArrayList<>();
    for (PendingEvent event : batch) {
      for (int v : event.views(plan)) {
        String key = key(event, v);
        if (key == null) {
          continue;
        }
        event.rows[v] = rows.get(key);
        if (plan.views().get(v).freshness().ownSource()
            && !included(event, v)
            && !refused(event, v)) {
          waiting.add(new Waiting(event, v, key));
        }
      }
    }
    return waiting;
  }

  private void await(List<Waiting> waiting, Map<String, Integer> viewByKey) {
    long waitNanos = plan.maxFeatureWaitMillis() * 1_000_000;
    if (waiting.isEmpty() || waitNanos == 0) {
      return;
    }
    long startNanos = clock.nanoTime();
    while (!waiting.isEmpty() && !Thread.currentThread().isInterrupted()) {
      long leftNanos = waitNanos - (clock.nanoTime() - startNanos);
      if (leftNanos <= 0) {
        break;
      }
      clock.pause(Math.min(PAUSE_NANOS, leftNanos));
      Set<String> keys = new LinkedHashSet<>();
      waiting.forEach(w -> keys.add(w.key));
      Map<String, Integer> again = new LinkedHashMap<>(viewByKey);
      again.keySet().retainAll(keys);
      Map<String, @Nullable ViewRow> rows = new HashMap<>();
      if (!ask(again, rows)) {
        // What was read before stands; nobody waits for a store that is down.
        break;
      }
      waiting.removeIf(
          w -> {
            w.event.rows[w.view] = rows.get(w.key);
            return included(w.event, w.view);
          });
    }
    metrics.featureWaitMs.update((clock.nanoTime() - startNanos) / 1_000_000);
  }

  /** Asks for all keys in one round trip; false where the store could not be asked. */
  private boolean ask(Map<String, Integer> viewByKey, Map<String, @Nullable ViewRow> into) {
    if (!circuit.mayTry(clock.nanoTime())) {
      metrics.redisSkipped.inc();
      return false;
    }
    List<FeatureReads.Query> queries = new ArrayList<>(viewByKey.size());
    viewByKey.forEach(
        (key, view) -> queries.add(new FeatureReads.Query(key, plan.views().get(view).fields())));
    List<List<@Nullable String>> answers;
    try {
      answers = store.read(queries);
    } catch (IOException e) {
      circuit.failed(clock.nanoTime());
      metrics.redisFailures.inc();
      long heldBack = logLimit.pass(clock.nanoTime());
      if (heldBack >= 0) {
        LOG.warn(
            "Scoring {} without features, they count as missing ({} like it since the last line)",
            plan.model(),
            heldBack,
            e);
      }
      return false;
    }
    circuit.succeeded();
    for (int q = 0; q < queries.size(); q++) {
      FeatureReads.Query query = queries.get(q);
      Integer view = viewByKey.get(query.key());
      if (view != null) {
        into.put(query.key(), row(plan.views().get(view), answers.get(q)));
      }
    }
    return true;
  }

  private @Nullable ViewRow row(ViewRead view, List<@Nullable String> values) {
    String time = values.get(ViewRead.TIME);
    String positions = values.get(ViewRead.POSITIONS);
    String version = values.get(ViewRead.VERSION);
    if (time == null || positions == null || version == null) {
      return null;
    }
    if (!view.version().equals(version)) {
      metrics.rowsOfAnotherVersion.inc();
      return null;
    }
    String witness = view.witness().feature();
    boolean allEmpty =
        view.witness().allEmpty(witness == null ? null : values.get(view.indexOf(witness)));
    @Nullable Double[] numbers = new Double[values.size() - ViewRead.HEADER];
    for (int f = ViewRead.HEADER; f < values.size(); f++) {
      numbers[f - ViewRead.HEADER] = number(values.get(f));
    }
    try {
      return new ViewRow(Long.parseLong(time), Positions.parse(positions), allEmpty, numbers);
    } catch (IllegalArgumentException e) {
      metrics.rowsUnreadable.inc();
      LOG.debug("Cannot read a row of view {}", view.view(), e);
      return null;
    }
  }

  /** A text is no input; it may stand here only to tell whether a window is empty. */
  private @Nullable Double number(@Nullable String text) {
    if (text == null) {
      return null;
    }
    if (text.equals("true") || text.equals("false")) {
      return text.equals("true") ? 1.0 : 0.0;
    }
    try {
      return Double.valueOf(text);
    } catch (NumberFormatException e) {
      metrics.rowsUnreadable.inc();
      return null;
    }
  }

  private static boolean included(PendingEvent event, int view) {
    ViewRow row = event.rows[view];
    return row != null && row.positions().covers(event.event.partition(), event.event.offset());
  }

  /** Whether the view's filter keeps the event out of its rows, so that waiting is in vain. */
  private boolean refused(PendingEvent event, int view) {
    Expression filter = filters.get(view);
    if (filter == null) {
      return false;
    }
    try {
      return !Boolean.TRUE.equals(filter.evaluate(event.event.values()));
    } catch (ExpressionException e) {
      // A filter takes what cannot be computed as false.
      return true;
    }
  }
}
