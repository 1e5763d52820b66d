package dev.millrace.core.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;

/**
 * How many values of a number column lie in each bin between fixed edges; the first bin is all
 * below the first edge, and an edge belongs to the bin above it. Null is no value.
 *
 * <p>Removes, never stale, exact; 8 bytes for each edge and one to four for each bin.
 */
final class Bins implements Accumulator {

  static final byte TAG = 5;

  private final int column;
  private final double[] edges;
  private final long[] counts;

  Bins(int column, double[] edges) {
    this.column = column;
    this.edges = edges.clone();
    this.counts = new long[edges.length + 1];
    for (int i = 0; i < edges.length; i++) {
      this.edges[i] = edges[i] + 0.0;
    }
  }

  @Override
  public void add(EventView event) {
    count(event, 1);
  }

  @Override
  public boolean removes() {
    return true;
  }

  @Override
  public void remove(EventView event) {
    count(event, -1);
  }

  private void count(EventView event, int by) {
    double value = event.number(column);
    if (!Double.isNaN(value)) {
      // Adding zero makes -0.0 the zero that it equals.
      int at = Arrays.binarySearch(edges, value + 0.0);
      counts[at >= 0 ? at + 1 : -at - 1] += by;
    }
  }

  @Override
  public void beginFold() {
    Arrays.fill(counts, 0);
  }

  @Override
  public void merge(Accumulator other) {
    Bins bins = (Bins) other;
    for (int i = 0; i < counts.length; i++) {
      counts[i] += bins.counts[i];
    }
  }

  long[] counts() {
    return counts.clone();
  }

  @Override
  public boolean isEmpty() {
    for (long count : counts) {
      if (count != 0) {
        return false;
      }
    }
    return true;
  }

  @Override
  public Bins copy() {
    Bins copy = new Bins(column, edges);
    System.arraycopy(counts, 0, copy.counts, 0, counts.length);
    return copy;
  }

  @Override
  public void write(DataOutput out) throws IOException {
    out.writeByte(TAG);
    CompactData.writeCount(out, column);
    CompactData.writeCount(out, edges.length);
    for (double edge : edges) {
      out.writeDouble(edge);
    }
    for (long count : counts) {
      CompactData.writeCount(out, count);
    }
  }

  static Bins read(DataInput in) throws IOException {
    int column = CompactData.readSize(in);
    double[] edges = new double[CompactData.readSize(in)];
    for (int i = 0; i < edges.length; i++) {
      edges[i] = in.readDouble();
    }
    Bins bins = new Bins(column, edges);
    for (int i = 0; i < bins.counts.length; i++) {
      bins.counts[i] = CompactData.readCount(in);
    }
    return bins;
  }
}
