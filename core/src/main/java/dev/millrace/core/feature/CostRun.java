package dev.millrace.core.feature;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.feature.ViewCost.Spread;
import dev.millrace.core.row.EntityKeys;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.core.row.ValueText;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** What a view keeps under a load, entity after entity. */
final class CostRun {

  private static final int LOOKS = 8;

  /** The names and values of {@code _time} and {@code _version}, and the name of the positions. */
  private static final int REDIS_FIELDS = 5 + 13 + 8 + 14 + 7;

  private final FeatureView view;
  private final EventLoad load;
  private final long dedupMillis;
  private final boolean tiled;
  private final EntityRows rows;
  private final long warmMillis;

  /** The moments at which state is looked at, ascending. */
  private final long[] lookMillis;

  private final LongStream.Builder states = LongStream.builder();
  private final LongStream.Builder headers = LongStream.builder();
  private final LongStream.Builder parts = LongStream.builder();
  private final LongStream.Builder ids = LongStream.builder();
  private final LongStream.Builder flinks = LongStream.builder();
  private final LongStream.Builder partCounts = LongStream.builder();
  private final LongStream.Builder held = LongStream.builder();
  private final LongStream.Builder redis = LongStream.builder();
  private long refused;

  CostRun(FeatureView view, Duration dedupWindow, EventLoad load) {
    this.view = view;
    this.load = load;
    this.dedupMillis =
        dedupWindow.isZero() ? 0 : dedupWindow.plus(view.allowedLateness()).toMillis();
    this.tiled = view.accuracy() == FeatureView.Accuracy.TILED;
    this.rows = new EntityRows(ViewPlan.of(view));
    long afterMillis = load.toMillis() - load.fromMillis() - view.longestWindow().toMillis();
    this.warmMillis = whole() ? load.toMillis() - afterMillis : load.fromMillis();
    this.lookMillis =
        whole() && afterMillis >= LOOKS
            ? LongStream.rangeClosed(1, LOOKS)
                .map(i -> warmMillis + i * afterMillis / LOOKS)
                .toArray()
            : new long[] {load.toMillis()};
  }

  private boolean whole() {
    return load.spanMillis() >= view.longestWindow().toMillis();
  }

  ViewCost run() {
    load.entities().forEach(this::run);
    WorkRun work = new WorkRun(view, load, warmMillis);
    work.run();
    return new ViewCost(
        load.entities().size(),
        load.events(),
        refused,
        whole(),
        spread(states),
        spread(headers),
        spread(parts),
        spread(ids),
        spread(flinks),
        spread(partCounts),
        spread(held),
        spread(redis),
        work.event(),
        steps(),
        work.refresh(),
        work.refreshesPerKeyPerDay());
  }

  private static Spread spread(LongStream.Builder values) {
    return Spread.of(values.build().toArray());
  }

  private void run(EventLoad.OfEntity entity) {
    CountingStore store = new CountingStore();
    EntityState state = rows.newState();
    FeatureRow row = null;
    int look = 0;
    List<Arrival> events = entity.events();
    for (int i = 0; i < events.size(); i++) {
      Arrival event = events.get(i);
      for (; look < lookMillis.length && event.timeMillis() > lookMillis[look]; look++) {
        if (row != null) {
          row = look(entity, state, row, store, lookMillis[look]);
        }
      }
      FeatureRow next = rows.accept(state, entity.key(), event, event.timeMillis(), store);
      if (next == null) {
        refused++;
        continue;
      }
      row = next;
    }
    for (; row != null && look < lookMillis.length; look++) {
      row = look(entity, state, row, store, lookMillis[look]);
    }
  }

  /** Brings an entity to a moment, as its timers would, and measures it. */
  private FeatureRow look(
      EventLoad.OfEntity entity,
      EntityState state,
      FeatureRow before,
      CountingStore store,
      long atMillis) {
    FeatureRow row = before;
    for (FeatureRow refreshed : rows.advance(state, entity.key(), atMillis, atMillis, store)) {
      row = refreshed;
    }
    int key = entity.key().getBytes(StandardCharsets.UTF_8).length;
    boolean timer = rows.nextTimerMillis(state, atMillis) != Long.MAX_VALUE;
    int header = CountingStore.size(state::write);
    long known = known(entity, atMillis);
    long idBytes = known * (load.idBytes() + 1 + Long.BYTES);
    long flink =
        (store.parts() + known) * (key + ViewCost.ENTRY_BYTES + ViewCost.MAP_ENTRY_BYTES)
            - known * Long.BYTES
            + (key + ViewCost.ENTRY_BYTES + ViewCost.TTL_BYTES)
            + (timer || known > 0 ? key + ViewCost.ENTRY_BYTES + ViewCost.TIMER_BYTES : 0);
    headers.add(header);
    parts.add(store.bytes);
    ids.add(idBytes);
    flinks.add(flink);
    states.add(header + store.bytes + idBytes + flink);
    partCounts.add(store.parts());
    held.add(state.pages == null ? 0 : state.pages.events);
    redis.add(redisCharacters(row));
    return row;
  }

  /** How many ids are kept to tell repeated events. */
  private long known(EventLoad.OfEntity entity, long atMillis) {
    if (dedupMillis == 0) {
      return 0;
    }
    return entity.events().stream()
        .filter(e -> e.timeMillis() <= atMillis && e.timeMillis() >= atMillis - dedupMillis)
        .count();
  }

  private long redisCharacters(FeatureRow row) {
    String key = EntityKeys.redisKey(view.entity().name(), row.entityKey(), view.name());
    long characters = REDIS_FIELDS;
    characters += key.length() + row.positions().toString().length();
    for (int i = 0; i < row.values().length; i++) {
      @Nullable Object value = row.values()[i];
      if (value != null) {
        characters += view.features().get(i).name().length() + ValueText.of(value).length();
      }
    }
    return characters;
  }

  private double steps() {
    Aggregations aggregations = Aggregations.of(view);
    long[] lengths = aggregations.windowsMillis();
    long steps = 0;
    for (int window = 0; window < lengths.length; window++) {
      Accumulator[] accumulators = aggregations.empty(window);
      boolean leaves = !tiled && lengths[window] != Aggregations.ALL_TIME;
      steps += accumulators.length;
      steps += leaves ? Arrays.stream(accumulators).filter(Accumulator::removes).count() : 0;
    }
    if (tiled) {
      steps += (long) rows.newState().levels.length * aggregations.emptyTile().length;
    }
    return steps;
  }
}
