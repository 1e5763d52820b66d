package dev.millrace.inference;

import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.core.row.Positions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the rows of events from the online store: each row that is needed is asked for once, all in
 * one round trip. An event waits where a row of a view on the model's own source does not include
 * it yet; who reads decides for how long, and asks again.
 */
final class FeatureLookup implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(FeatureLookup.class);

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

  /**
   * Reads what the events still want of the rows that their versions read, all in one round trip.
   *
   * @return false where the store could not be asked: what was read before stands, and nobody waits
   *     for a store that is down
   */
  boolean read(List<PendingEvent> events) {
    if (plan.views().isEmpty()) {
      return true;
    }
    Map<String, Integer> viewByKey = new LinkedHashMap<>();
    for (PendingEvent event : events) {
      for (int v : event.views(plan)) {
        String key = key(event, v);
        if (key != null) {
          viewByKey.putIfAbsent(key, v);
        }
      }
    }
    if (viewByKey.isEmpty()) {
      return true;
    }
    Map<String, @Nullable ViewRow> rows = new HashMap<>();
    if (!ask(viewByKey, rows)) {
      return false;
    }
    for (PendingEvent event : events) {
      for (int v : event.views(plan)) {
        String key = key(event, v);
        if (key != null) {
          take(event, v, rows.get(key));
        }
      }
    }
    return true;
  }

  @Override
  public void close() {
    store.close();
  }

  /** What the event still wants of a view; null where that is nothing. */
  private @Nullable String key(PendingEvent event, int view) {
    String entityKey = event.entityKeys[view];
    return entityKey == null || event.settled[view]
        ? null
        : plan.views().get(view).redisKey(entityKey);
  }

  private void take(PendingEvent event, int view, @Nullable ViewRow row) {
    event.rows[view] = row;
    boolean waits =
        plan.views().get(view).freshness().ownSource()
            && !included(event, view)
            && (event.awaited[view] || !refused(event, view));
    event.awaited[view] = waits;
    event.settled[view] = !waits;
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
    List<List<byte @Nullable []>> answers;
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

  private @Nullable ViewRow row(ViewRead view, List<byte @Nullable []> values) {
    String time = text(values.get(ViewRead.TIME));
    String positions = text(values.get(ViewRead.POSITIONS));
    String version = text(values.get(ViewRead.VERSION));
    if (time == null || positions == null || version == null) {
      return null;
    }
    if (!view.version().equals(version)) {
      metrics.rowsOfAnotherVersion.inc();
      return null;
    }
    String witness = view.witness().feature();
    boolean allEmpty =
        view.witness().allEmpty(witness == null ? null : text(values.get(view.indexOf(witness))));
    @Nullable Object[] features = new Object[values.size() - ViewRead.HEADER];
    for (int f = ViewRead.HEADER; f < values.size(); f++) {
      byte[] value = values.get(f);
      features[f - ViewRead.HEADER] = view.isText(f) ? text(value) : number(value);
    }
    try {
      return new ViewRow(Long.parseLong(time), Positions.parse(positions), allEmpty, features);
    } catch (IllegalArgumentException e) {
      metrics.rowsUnreadable.inc();
      LOG.debug("Cannot read a row of view {}", view.view(), e);
      return null;
    }
  }

  private static @Nullable String text(byte @Nullable [] value) {
    return value == null ? null : new String(value, StandardCharsets.UTF_8);
  }

  /** A list or a map is no input; it may stand here only to tell whether a window is empty. */
  private @Nullable Double number(byte @Nullable [] text) {
    if (text == null) {
      return null;
    }
    try {
      return StoredNumber.of(text);
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
