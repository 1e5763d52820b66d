package dev.millrace.trainer;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.row.AsOf;
import dev.millrace.core.row.Positions;
import dev.millrace.platform.Warehouse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.jspecify.annotations.Nullable;

/**
 * The logged rows of one view for the entities that are asked for, in memory, and which of them an
 * event sees ({@link AsOf}).
 *
 * <p>The files do not keep the order in which an entity's rows were written, but T, epoch and
 * positions tell it: neither T nor any position ever falls, so rows ascend by (T, epoch, sum of the
 * positions). What still is equal is ordered by {@code known_at}. Rows of another definition than
 * the view's do not count. Positions of an older epoch may be of a topic that was made anew, so
 * they cover nothing; and for a view on the model's own source rows of an older epoch end where the
 * newest one begins.
 *
 * <p>A row is gone {@code ttl} after it, as its key in Redis is (the longest window where that is
 * longer: so long a row that does not change is refreshed).
 */
final class FeatureLog {

  private static final List<String> OWN =
      List.of("entity_key", "_time", "_source", "_version", "known_at");
  private static final int BYTES_PER_ROW = 160;
  private static final Positions[] NO_POSITIONS = {};

  private final WarehouseTable table;
  private final FeatureView view;
  private final List<String> features;
  private final boolean own;
  private final long lifeMillis;

  private long seen;
  private final Set<String> otherDefinitions = new TreeSet<>();

  // One entry a row, in the order of the files until sorted.
  private int size;
  private int[] entities = new int[1024];
  private long[] times = new long[1024];
  private long[] epochs = new long[1024];
  private long[] knownAt = new long[1024];
  private @Nullable Positions[] positions;
  private long[] positionSums = new long[1024];
  private double[][] values;

  // Rows of entity e are sorted[starts[e]] … sorted[starts[e + 1] - 1].
  private int[] sorted = {};
  private int[] starts = {0};
  private final EntityRows entityRows = new EntityRows();

  /**
   * The log of a view.
   *
   * @param own whether the view is on the source of the events that are looked up
   */
  FeatureLog(
      Catalog catalog, String project, FeatureView view, List<String> features, boolean own) {
    this.table = new WarehouseTable(catalog, Warehouse.features(project, view.name()));
    this.view = view;
    this.features = features;
    this.own = own;
    this.lifeMillis = Math.max(view.ttl().toMillis(), view.longestWindow().toMillis());
    this.positions = own ? new Positions[1024] : NO_POSITIONS;
    this.values = new double[features.size()][1024];
    for (String name : features) {
      Feature feature =
          view.feature(name)
              .orElseThrow(
                  () ->
                      TrainingException.ofDefinition(
                          "Cannot read feature %s of view %s: it has none of that name"
                              .formatted(name, view.name())));
      if (!feature.type().isNumeric()) {
        throw TrainingException.ofDefinition(
            "Cannot use feature %s of view %s as an input: it is %s; take a number"
                .formatted(name, view.name(), feature.type().noun()));
      }
    }
  }

  WarehouseTable table() {
    return table;
  }

  /** Rows that were read. */
  int size() {
    return size;
  }

  /**
   * Reads all that a lookup for these entities within (after, until] can need.
   *
   * @param byKey the number of each entity, from 0 without gaps
   */
  void load(Map<String, Integer> byKey, long afterMillis, long untilMillis) {
    long from = afterMillis == Long.MIN_VALUE ? afterMillis : afterMillis - lifeMillis;
    table.requireRoom("_time", from, untilMillis, BYTES_PER_ROW + features.size() * Double.BYTES);
    List<String> wanted = new ArrayList<>(OWN);
    wanted.addAll(features);
    WarehouseTable.Columns columns = table.new Columns(wanted);
    int[] at = features.stream().mapToInt(columns::position).toArray();
    try (CloseableIterable<Record> records = columns.read("_time", from, untilMillis)) {
      for (Record record : records) {
        String version = (String) record.get(3);
        int dash = version.indexOf('-');
        Integer entity = byKey.get((String) record.get(0));
        if (!version.startsWith(view.id(), dash + 1)) {
          otherDefinitions.add(version.substring(dash + 1));
          continue;
        }
        seen++;
        if (entity != null) {
          add(entity, Long.parseLong(version, 0, dash, 10), record, at);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read table " + table.name(), e);
    }
    if (seen == 0) {
      throw new TrainingException(
          "Cannot join view %s: table %s has no row of its definition %s up to %s%s; apply the"
                  .formatted(
                      view.name(),
                      table.name(),
                      view.id(),
                      Instant.ofEpochMilli(untilMillis),
                      otherDefinitions.isEmpty() ? "" : ", only of " + otherDefinitions)
              + " project and wait for the pipeline");
    }
    sort(byKey.size());
  }

  /**
   * The row of an entity that an event sees.
   *
   * @return its number, or -1 where there is none
   */
  int find(int entity, int partition, long offset, long timeMillis) {
    entityRows.from = starts[entity];
    entityRows.to = starts[entity + 1];
    int found =
        own
            ? AsOf.own(entityRows, partition, offset, timeMillis, lifeMillis)
            : AsOf.other(entityRows, timeMillis, lifeMillis);
    if (found == AsOf.NONE) {
      return -1;
    }
    if (entityRows.timeMillis(found) > timeMillis) {
      throw new IllegalStateException(
          "Cannot join view %s: a row of %d was found for an event of %d"
              .formatted(view.name(), entityRows.timeMillis(found), timeMillis));
    }
    return entityRows.from + found;
  }

  /** A feature of a row that {@link #find} found; NaN where it is null. */
  double value(int feature, int row) {
    return values[feature][sorted[row]];
  }

  /** The rows of one entity at a time. */
  private final class EntityRows implements AsOf.Rows {
    int from;
    int to;

    @Override
    public int size() {
      return to - from;
    }

    @Override
    public long timeMillis(int row) {
      return times[sorted[from + row]];
    }

    @Override
    public boolean covers(int row, int partition, long offset) {
      int at = sorted[from + row];
      return epochs[at] == epochs[sorted[to - 1]]
          && Objects.requireNonNull(positions[at]).covers(partition, offset);
    }
  }

  private void add(int entity, long epoch, Record record, int[] at) {
    if (size == entities.length) {
      grow();
    }
    entities[size] = entity;
    times[size] = WarehouseTable.millis(record.get(1));
    Positions here = Positions.parse((String) record.get(2));
    positionSums[size] = sum(here);
    if (own) {
      positions[size] = here;
    }
    epochs[size] = epoch;
    knownAt[size] = WarehouseTable.millis(record.get(4));
    for (int feature = 0; feature < at.length; feature++) {
      values[feature][size] = number(record.get(at[feature]));
    }
    size++;
  }

  private void grow() {
    int more = Math.addExact(size, Math.max(1, size / 2));
    entities = Arrays.copyOf(entities, more);
    times = Arrays.copyOf(times, more);
    epochs = Arrays.copyOf(epochs, more);
    knownAt = Arrays.copyOf(knownAt, more);
    positionSums = Arrays.copyOf(positionSums, more);
    if (own) {
      positions = Arrays.copyOf(positions, more);
    }
    for (int feature = 0; feature < values.length; feature++) {
      values[feature] = Arrays.copyOf(values[feature], more);
    }
  }

  private static double number(@Nullable Object value) {
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    return value instanceof Boolean truth ? (truth ? 1 : 0) : Double.NaN;
  }

  /** Of one entity's rows: the later one has the larger sum, because no position falls. */
  private static long sum(Positions positions) {
    long sum = 0;
    for (int i = 0; i < positions.size(); i++) {
      // Offset 0 is more than no record at all.
      sum += positions.offset(i) + 1;
    }
    return sum;
  }

  private void sort(int entityCount) {
    int[] order = IndexSort.order(size, this::compare);
    sorted = new int[size];
    starts = new int[entityCount + 1];
    int kept = 0;
    int from = 0;
    for (int entity = 0; entity < entityCount; entity++) {
      starts[entity] = kept;
      int to = from;
      long newestEpoch = Long.MIN_VALUE;
      while (to < size && entities[order[to]] == entity) {
        newestEpoch = Math.max(newestEpoch, epochs[order[to]]);
        to++;
      }
      boolean begun = false;
      for (int i = from; i < to; i++) {
        boolean newest = epochs[order[i]] == newestEpoch;
        begun |= newest;
        if (newest || !own || !begun) {
          sorted[kept++] = order[i];
        }
      }
      from = to;
    }
    starts[entityCount] = kept;
    // No longer needed.
    positionSums = new long[0];
    knownAt = new long[0];
    entities = new int[0];
  }

  private int compare(int a, int b) {
    if (entities[a] != entities[b]) {
      return Integer.compare(entities[a], entities[b]);
    }
    if (times[a] != times[b]) {
      return Long.compare(times[a], times[b]);
    }
    if (epochs[a] != epochs[b]) {
      return Long.compare(epochs[a], epochs[b]);
    }
    return positionSums[a] != positionSums[b]
        ? Long.compare(positionSums[a], positionSums[b])
        : Long.compare(knownAt[a], knownAt[b]);
  }
}
