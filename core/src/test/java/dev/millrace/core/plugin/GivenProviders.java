package dev.millrace.core.plugin;

import dev.millrace.core.feature.ExactSum;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Functions on the class path of the tests: one of each sort. */
public final class GivenProviders {

  /** What they have in common: exact, version 1. */
  public abstract static class Given<A> implements AggregationProvider<A> {
    @Override
    public int version() {
      return 1;
    }

    @Override
    public Optional<String> error() {
      return Optional.empty();
    }
  }

  /** Takes out: the sum of the logarithms of the values above 0. */
  public static final class LogSum extends Given<LogSum.Logs> {
    static final class Logs {
      ExactSum sum = new ExactSum();
      long count;
    }

    @Override
    public String name() {
      return "log_sum";
    }

    @Override
    public Set<ColumnKind> columns() {
      return Set.of(ColumnKind.REAL, ColumnKind.WHOLE);
    }

    @Override
    public ResultType type() {
      return ResultType.DOUBLE;
    }

    @Override
    public boolean removes() {
      return true;
    }

    @Override
    public Logs create() {
      return new Logs();
    }

    @Override
    public void add(Logs logs, Object value, long timeMillis) {
      if ((double) value > 0) {
        logs.sum.add(Math.log((double) value));
        logs.count++;
      }
    }

    @Override
    public void remove(Logs logs, Object value, long timeMillis) {
      if ((double) value > 0) {
        logs.sum.subtract(Math.log((double) value));
        logs.count--;
      }
    }

    @Override
    public void merge(Logs logs, Logs other) {
      logs.sum.merge(other.sum);
      logs.count += other.count;
    }

    @Override
    public @Nullable Object result(Logs logs, long atMillis, long windowMillis) {
      return logs.count == 0 ? null : (Object) logs.sum.value();
    }

    @Override
    public void write(Logs logs, DataOutput out) throws IOException {
      out.writeLong(logs.count);
      logs.sum.write(out);
    }

    @Override
    public Logs read(DataInput in) throws IOException {
      Logs logs = new Logs();
      logs.count = in.readLong();
      logs.sum = ExactSum.read(in);
      return logs;
    }
  }

  /** Cannot take out: the greatest less the least. */
  public static final class Spread extends Given<double[]> {
    @Override
    public String name() {
      return "spread";
    }

    @Override
    public Set<ColumnKind> columns() {
      return Set.of(ColumnKind.REAL, ColumnKind.WHOLE);
    }

    @Override
    public ResultType type() {
      return ResultType.LIST_OF_DOUBLE;
    }

    @Override
    public boolean removes() {
      return false;
    }

    @Override
    public double[] create() {
      return new double[] {Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
    }

    @Override
    public void add(double[] ends, Object value, long timeMillis) {
      ends[0] = Math.min(ends[0], (double) value);
      ends[1] = Math.max(ends[1], (double) value);
    }

    @Override
    public void merge(double[] ends, double[] other) {
      ends[0] = Math.min(ends[0], other[0]);
      ends[1] = Math.max(ends[1], other[1]);
    }

    @Override
    public Object result(double[] ends, long atMillis, long windowMillis) {
      return java.util.List.of(ends[1] - ends[0], ends[0]);
    }

    @Override
    public void write(double[] ends, DataOutput out) throws IOException {
      out.writeDouble(ends[0]);
      out.writeDouble(ends[1]);
    }

    @Override
    public double[] read(DataInput in) throws IOException {
      return new double[] {in.readDouble(), in.readDouble()};
    }
  }

  /** Takes no column and depends on T: how old events are in the mean, as a share of the window. */
  public static final class MeanAge extends Given<long[]> {
    @Override
    public String name() {
      return "mean_age";
    }

    @Override
    public Set<ColumnKind> columns() {
      return Set.of();
    }

    @Override
    public ResultType type() {
      return ResultType.DOUBLE;
    }

    @Override
    public boolean removes() {
      return true;
    }

    @Override
    public long[] create() {
      return new long[2];
    }

    @Override
    public void add(long[] times, Object value, long timeMillis) {
      times[0] += timeMillis;
      times[1]++;
    }

    @Override
    public void remove(long[] times, Object value, long timeMillis) {
      times[0] -= timeMillis;
      times[1]--;
    }

    @Override
    public void merge(long[] times, long[] other) {
      times[0] += other[0];
      times[1] += other[1];
    }

    @Override
    public Object result(long[] times, long atMillis, long windowMillis) {
      return (double) (atMillis * times[1] - times[0]) / times[1] / windowMillis;
    }

    @Override
    public void write(long[] times, DataOutput out) throws IOException {
      out.writeLong(times[0]);
      out.writeLong(times[1]);
    }

    @Override
    public long[] read(DataInput in) throws IOException {
      return new long[] {in.readLong(), in.readLong()};
    }
  }

  /** Of texts, and cannot take out: the longest, of several the least. */
  public static final class Longest extends Given<String[]> {
    @Override
    public String name() {
      return "longest";
    }

    @Override
    public Set<ColumnKind> columns() {
      return Set.of(ColumnKind.TEXT);
    }

    @Override
    public ResultType type() {
      return ResultType.STRING;
    }

    @Override
    public boolean removes() {
      return false;
    }

    @Override
    public String[] create() {
      return new String[] {""};
    }

    @Override
    public void add(String[] longest, Object value, long timeMillis) {
      String text = (String) value;
      int byLength = Integer.compare(text.length(), longest[0].length());
      if (byLength > 0 || (byLength == 0 && text.compareTo(longest[0]) < 0)) {
        longest[0] = text;
      }
    }

    @Override
    public void merge(String[] longest, String[] other) {
      add(longest, other[0], 0);
    }

    @Override
    public Object result(String[] longest, long atMillis, long windowMillis) {
      return longest[0];
    }

    @Override
    public void write(String[] longest, DataOutput out) throws IOException {
      out.writeUTF(longest[0]);
    }

    @Override
    public String[] read(DataInput in) throws IOException {
      return new String[] {in.readUTF()};
    }
  }

  /** How many events there are; on no class path. */
  public static class Counting extends Given<long[]> {
    @Override
    public String name() {
      return "counting";
    }

    @Override
    public Set<ColumnKind> columns() {
      return Set.of();
    }

    @Override
    public ResultType type() {
      return ResultType.LONG;
    }

    @Override
    public boolean removes() {
      return false;
    }

    @Override
    public long[] create() {
      return new long[1];
    }

    @Override
    public void add(long[] count, Object value, long timeMillis) {
      count[0]++;
    }

    @Override
    public void merge(long[] count, long[] other) {
      count[0] += other[0];
    }

    @Override
    public Object result(long[] count, long atMillis, long windowMillis) {
      return count[0];
    }

    @Override
    public void write(long[] count, DataOutput out) throws IOException {
      out.writeLong(count[0]);
    }

    @Override
    public long[] read(DataInput in) throws IOException {
      return new long[] {in.readLong()};
    }
  }

  /** Fails at one value that no trial has, and states a bound. */
  public static final class OnDemandFault extends Counting {
    /** The value. */
    public static final String FATAL = "fatal";

    @Override
    public String name() {
      return "on_demand_fault";
    }

    @Override
    public Set<ColumnKind> columns() {
      return Set.of(ColumnKind.TEXT);
    }

    @Override
    public Optional<String> error() {
      return Optional.of("at most 3 % too high");
    }

    @Override
    public void add(long[] count, Object value, long timeMillis) {
      if (value.equals(FATAL)) {
        throw new IllegalStateException("no such value");
      }
      super.add(count, value, timeMillis);
    }
  }

  private GivenProviders() {}
}
