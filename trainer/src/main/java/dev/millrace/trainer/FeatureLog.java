package dev.millrace.trainer;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.row.Positions;
import dev.millrace.platform.Warehouse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.jspecify.annotations.Nullable;

/**
 * The logged rows of one view for the entities that are asked for, in memory: for each entity one
 * row a T, ascending, found by binary search.
 *
 * <p>Of several rows of one T that of the highest epoch counts, then the one whose positions are at
 * least the others' in every partition; among rows that no other surpasses, the last by {@code
 * known_at}, then by the text of its positions. Rows of another definition than the view's do not
 * count.
 *
 * <p>A row is gone {@code ttl} after it, as its key in Redis is (the longest window where that is
 * longer: so long a row that does not change is refreshed).
 */
final class FeatureLog {

  private static final List<String> OWN =
      List.of("entity_key", "_time", "_source", "_version", "known_at");
  private static final int BYTES_PER_ROW = 160;

  private final WarehouseTable table;
  private final FeatureView view;
  private final List<String> features;
  private final long lifeMillis;

  private long seen;
  private final Set<String> otherDefinitions = new TreeSet<>();

  // One entry a row, in the order of the files until sorted.
  private int size;
  private int[] entities = new int[1024];
  private long[] times = new long[1024];
  private long[] epochs = new long[1024];
  private long[] knownAt = new long[1024];
  private String[] positions = new String[1024];
  private double[][] values;

  // Rows of entity e are winners[starts[e]] … winners[starts[e + 1] - 1].
  private int[] winners = {};
  private long[] winnerTimes = {};
  private int[] starts = {0};

  FeatureLog(Catalog catalog, String project, FeatureView view, List<String> features) {
    this.table = new WarehouseTable(catalog, Warehouse.features(project, view.name()));
    this.view = view;
    this.features = features;
    this.lifeMillis = Math.max(view.ttl().toMillis(), view.longestWindow().toMillis());
    this.values = new double[features.size()][1024];
    for (String name : features) {
      Feature feature =
          view.feature(name)
              .orElseThrow(
                  () ->
                      TrainingException.ofDefinition(
                          "Cannot read feature %s of view %s: it has none of that name"
                              .formatted(name, view.name())));
      if (feature.type() == Feature.ValueType.STRING) {
        throw TrainingException.ofDefinition(
            "Cannot use feature %s of view %s as an input: it is text; take a number"
                .formatted(name, view.name()));
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
   * The row of an entity that held at a time: that with the largest T not beyond it.
   *
   * @return its number, or -1 where there is none
   */
  int find(int entity, long timeMillis) {
    int low = starts[entity];
    int high = starts[entity + 1];
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (winnerTimes[middle] <= timeMillis) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    int found = low - 1;
    if (found < starts[entity] || timeMillis - winnerTimes[found] > lifeMillis) {
      return -1;
    }
    if (winnerTimes[found] > timeMillis) {
      throw new IllegalStateException(
          "Cannot join view %s: a row of %d was found for an event of %d"
              .formatted(view.name(), winnerTimes[found], timeMillis));
    }
    return found;
  }

  /** A feature of a row that {@link #find} found; NaN where it is null. */
  double value(int feature, int row) {
    return values[feature][winners[row]];
  }

  private void add(int entity, long epoch, Record record, int[] at) {
    if (size == entities.length) {
      grow();
    }
    entities[size] = entity;
    times[size] = WarehouseTable.millis(record.get(1));
    positions[size] = (String) record.get(2);
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
    positions = Arrays.copyOf(positions, more);
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

  private void sort(int entityCount) {
    int[] order =
        IndexSort.order(
            size,
            (a, b) ->
                entities[a] != entities[b]
                    ? Integer.compare(entities[a], entities[b])
                    : Long.compare(times[a], times[b]));
    winners = new int[size];
    winnerTimes = new long[size];
    starts = new int[entityCount + 1];
    int kept = 0;
    int entity = 0;
    int from = 0;
    while (from < size) {
      int first = order[from];
      int to = from + 1;
      while (to < size
          && entities[order[to]] == entities[first]
          && times[order[to]] == times[first]) {
        to++;
      }
      while (entity < entities[first]) {
        starts[++entity] = kept;
      }
      winners[kept] = to == from + 1 ? first : winner(order, from, to);
      winnerTimes[kept] = times[first];
      kept++;
      from = to;
    }
    while (entity < entityCount) {
      starts[++entity] = kept;
    }
    // No longer needed: only values and times are read from now on.
    positions = new String[0];
    epochs = new long[0];
    knownAt = new long[0];
    entities = new int[0];
    times = new long[0];
  }

  private int winner(int[] order, int from, int to) {
    long epoch = Long.MIN_VALUE;
    for (int i = from; i < to; i++) {
      epoch = Math.max(epoch, epochs[order[i]]);
    }
    // Rows that none of the others seen so far surpasses.
    List<Integer> best = new ArrayList<>();
    List<Positions> bestPositions = new ArrayList<>();
    for (int i = from; i < to; i++) {
      int row = order[i];
      if (epochs[row] != epoch) {
        continue;
      }
      Positions here = Positions.parse(positions[row]);
      boolean surpassed = false;
      for (int k = best.size() - 1; k >= 0 && !surpassed; k--) {
        Positions there = bestPositions.get(k);
        boolean equal = here.equals(there);
        if (equal ? knownAt[row] >= knownAt[best.get(k)] : here.atLeast(there)) {
          best.remove(k);
          bestPositions.remove(k);
        } else {
          surpassed = equal || there.atLeast(here);
        }
      }
      if (!surpassed) {
        best.add(row);
        bestPositions.add(here);
      }
    }
    int winner = best.get(0);
    for (int row : best) {
      int later = Long.compare(knownAt[row], knownAt[winner]);
      if (later > 0 || (later == 0 && positions[row].compareTo(positions[winner]) > 0)) {
        winner = row;
      }
    }
    return winner;
  }
}
