package dev.millrace.trainer;

import dev.millrace.core.definition.Model.Label.Repeat;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** The scored events of a window, each id once, in columns; and the label each has so far. */
final class Spine {

  private final Map<String, Integer> rows = new HashMap<>();
  private int size;
  private long repeats;
  private String[] ids = new String[1024];
  private long[] times = new long[1024];
  private int[] partitions = new int[1024];
  private long[] offsets = new long[1024];
  private final int[][] entities;
  private final double[][] onDemand;

  private double[] labels = {};
  private long[] labelTimes = {};
  private int[] labelPartitions = {};
  private long[] labelOffsets = {};

  Spine(int views, int expressions) {
    entities = new int[views][1024];
    onDemand = new double[expressions][1024];
  }

  /**
   * Takes an event, unless its id was there with an earlier position.
   *
   * @return the row to fill, or -1 where the event is a repeat
   */
  int add(String id, long timeMillis, int partition, long offset) {
    Integer known = rows.get(id);
    int row = known == null ? size : known;
    if (known != null) {
      repeats++;
      if (compare(partition, offset, partitions[row], offsets[row]) >= 0) {
        return -1;
      }
    } else {
      if (size == ids.length) {
        grow();
      }
      rows.put(id, row);
      size++;
    }
    ids[row] = id;
    times[row] = timeMillis;
    partitions[row] = partition;
    offsets[row] = offset;
    return row;
  }

  /** Sets the number of the event's entity for a view; -1 where a key is null. */
  void entity(int row, int view, int entity) {
    entities[view][row] = entity;
  }

  void onDemand(int row, int expression, double value) {
    onDemand[expression][row] = value;
  }

  /** No more events: labels come now. */
  void close() {
    labels = new double[size];
    Arrays.fill(labels, Double.NaN);
    labelTimes = new long[size];
    labelPartitions = new int[size];
    labelOffsets = new long[size];
  }

  /** Keeps the first or last label of an event by (event time, partition, offset). */
  void label(int row, double value, long timeMillis, int partition, long offset, Repeat repeat) {
    boolean replaces = true;
    if (!Double.isNaN(labels[row])) {
      int order = Long.compare(timeMillis, labelTimes[row]);
      if (order == 0) {
        order = compare(partition, offset, labelPartitions[row], labelOffsets[row]);
      }
      replaces = repeat == Repeat.FIRST ? order < 0 : order > 0;
    }
    if (replaces) {
      labels[row] = value;
      labelTimes[row] = timeMillis;
      labelPartitions[row] = partition;
      labelOffsets[row] = offset;
    }
  }

  /** Says the label of an event that got none. */
  void fillIn(int row, double value) {
    labels[row] = value;
  }

  /** The row of an event, or -1. */
  int row(String id) {
    Integer row = rows.get(id);
    return row == null ? -1 : row;
  }

  int size() {
    return size;
  }

  long repeats() {
    return repeats;
  }

  String id(int row) {
    return ids[row];
  }

  long timeMillis(int row) {
    return times[row];
  }

  int partition(int row) {
    return partitions[row];
  }

  long offset(int row) {
    return offsets[row];
  }

  int entity(int row, int view) {
    return entities[view][row];
  }

  double onDemand(int row, int expression) {
    return onDemand[expression][row];
  }

  /** NaN where there is none. */
  double label(int row) {
    return labels[row];
  }

  private static int compare(int partition, long offset, int otherPartition, long otherOffset) {
    return partition != otherPartition
        ? Integer.compare(partition, otherPartition)
        : Long.compare(offset, otherOffset);
  }

  private void grow() {
    int more = Math.addExact(size, size / 2);
    ids = Arrays.copyOf(ids, more);
    times = Arrays.copyOf(times, more);
    partitions = Arrays.copyOf(partitions, more);
    offsets = Arrays.copyOf(offsets, more);
    for (int i = 0; i < entities.length; i++) {
      entities[i] = Arrays.copyOf(entities[i], more);
    }
    for (int i = 0; i < onDemand.length; i++) {
      onDemand[i] = Arrays.copyOf(onDemand[i], more);
    }
  }
}
