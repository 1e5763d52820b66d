package org.example;

import dev.millrace.core.feature.ExactSum;
import dev.millrace.core.plugin.AggregationProvider;
import dev.millrace.core.plugin.ColumnKind;
import dev.millrace.core.plugin.ResultType;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;

/** {@code geometric_mean}: the n-th root of the product of n values, of those above 0. */
public final class GeometricMean implements AggregationProvider<GeometricMean.Logs> {

  /** An exact sum, so that neither order nor what has left the window changes a bit. */
  public static final class Logs {
    private ExactSum sum = new ExactSum();
    private long count;
  }

  @Override
  public String name() {
    return "geometric_mean";
  }

  @Override
  public int version() {
    return 1;
  }

  @Override
  public Set<ColumnKind> columns() {
    return Set.of(ColumnKind.WHOLE, ColumnKind.REAL);
  }

  @Override
  public ResultType type() {
    return ResultType.DOUBLE;
  }

  @Override
  public Optional<String> error() {
    return Optional.empty();
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
      logs.sum.add(StrictMath.log((double) value));
      logs.count++;
    }
  }

  @Override
  public void remove(Logs logs, Object value, long timeMillis) {
    if ((double) value > 0) {
      logs.sum.subtract(StrictMath.log((double) value));
      logs.count--;
    }
  }

  @Override
  public void merge(Logs logs, Logs other) {
    logs.sum.merge(other.sum);
    logs.count += other.count;
  }

  @Override
  public Object result(Logs logs, long atMillis, long windowMillis) {
    return logs.count == 0 ? null : StrictMath.exp(logs.sum.value() / logs.count);
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
