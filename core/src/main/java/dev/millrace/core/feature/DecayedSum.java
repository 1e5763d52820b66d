package dev.millrace.core.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The sum of a number column's values, and that of their weights, where an event of age a weighs
 * 2^(-a / h) with half-life h [1]. Null is no value.
 *
 * <p>A weight is kept relative to a fixed origin of time, 2^(t / h), split into a whole power of
 * two and a factor in [1, 2). Value times factor is rounded once, and the power of two is exact, so
 * the {@link ExactSum}s of these terms depend on no order; only reading them at a time T divides by
 * 2^(T / h). The sums are kept for each stretch of 32 half-lives, and only for the newest three of
 * them: an event more than 64 half-lives older than the newest may count as nothing, one more than
 * 96 does.
 *
 * <p>Removes, never stale, provided that events leave oldest first. The error is at most 2^-50 of
 * the sum of the terms' sizes, and 2^-64 of the size of each event that counts as nothing. Some 5
 * bytes, and 30 to 50 for each of up to three stretches.
 *
 * <p>[1] G. Cormode et al., Forward decay: a practical time decay model for streaming systems, ICDE
 * 2009.
 */
final class DecayedSum implements Accumulator {

  static final byte TAG = 11;

  /** So that one stretch is one digit of an ExactSum away from the next. */
  private static final int STRETCH_HALF_LIVES = 32;

  private static final int STRETCHES = 3;

  private final int column;
  private final long halfLifeMillis;

  /** By their number from the origin of time. */
  private final TreeMap<Long, Stretch> stretches = new TreeMap<>();

  private static final class Stretch {
    long count;
    ExactSum values = new ExactSum();
    ExactSum weights = new ExactSum();

    void merge(Stretch other) {
      count += other.count;
      values.merge(other.values);
      weights.merge(other.weights);
    }

    Stretch copy() {
      Stretch copy = new Stretch();
      copy.count = count;
      copy.values = values.copy();
      copy.weights = weights.copy();
      return copy;
    }
  }

  DecayedSum(int column, long halfLifeMillis) {
    this.column = column;
    this.halfLifeMillis = halfLifeMillis;
  }

  @Override
  public void add(EventView event) {
    double value = event.number(column);
    if (Double.isNaN(value)) {
      return;
    }
    long number = Math.floorDiv(event.timeMillis(), STRETCH_HALF_LIVES * halfLifeMillis);
    if (isForgotten(number)) {
      return;
    }
    Stretch stretch = stretches.computeIfAbsent(number, unusedNumber -> new Stretch());
    stretch.count++;
    weigh(stretch, event.timeMillis(), value, false);
    forget();
  }

  private boolean isForgotten(long number) {
    return !stretches.isEmpty() && number <= stretches.lastKey() - STRETCHES;
  }

  private void forget() {
    while (isForgotten(stretches.firstKey())) {
      Map.Entry<Long, Stretch> unusedOldest = stretches.pollFirstEntry();
    }
  }

  private void weigh(Stretch stretch, long timeMillis, double value, boolean out) {
    long within = Math.floorMod(timeMillis, STRETCH_HALF_LIVES * halfLifeMillis);
    int power = (int) (within / halfLifeMillis);
    // In [1/2, 1), so that no product overflows; StrictMath has the same bits on every machine.
    double factor = StrictMath.pow(2, (double) (within % halfLifeMillis) / halfLifeMillis) / 2;
    // Numbers near the least that there are would lose bits.
    boolean tiny = Math.abs(value) < 0x1p-900;
    double term = tiny ? value * 0x1p200 * factor : value * factor;
    stretch.values.add(term, power + 1 - (tiny ? 200 : 0), out);
    stretch.weights.add(factor, power + 1, out);
  }

  @Override
  public boolean removes() {
    return true;
  }

  @Override
  public void remove(EventView event) {
    double value = event.number(column);
    if (Double.isNaN(value)) {
      return;
    }
    long number = Math.floorDiv(event.timeMillis(), STRETCH_HALF_LIVES * halfLifeMillis);
    Stretch stretch = stretches.get(number);
    if (stretch == null) {
      return;
    }
    stretch.count--;
    if (stretch.count == 0) {
      Stretch unusedEmpty = stretches.remove(number);
    } else {
      weigh(stretch, event.timeMillis(), value, true);
    }
  }

  @Override
  public void beginFold() {
    stretches.clear();
  }

  @Override
  public void merge(Accumulator other) {
    for (Map.Entry<Long, Stretch> entry : ((DecayedSum) other).stretches.entrySet()) {
      Stretch mine = stretches.get(entry.getKey());
      if (mine == null) {
        Stretch unusedBefore = stretches.put(entry.getKey(), entry.getValue().copy());
      } else {
        mine.merge(entry.getValue());
      }
    }
    if (!stretches.isEmpty()) {
      forget();
    }
  }

  @Override
  public boolean isEmpty() {
    return stretches.isEmpty();
  }

  /** As at T; null where there is no value. */
  @Nullable Double sum(long atMillis) {
    if (stretches.isEmpty()) {
      return null;
    }
    long age = atMillis - stretches.lastKey() * STRETCH_HALF_LIVES * halfLifeMillis;
    long whole = Math.floorDiv(age, halfLifeMillis);
    double part = (double) Math.floorMod(age, halfLifeMillis) / halfLifeMillis;
    Dyadic.Scaled sum = total(false).exact().scaled();
    Dyadic.Scaled decay = Dyadic.Scaled.of(StrictMath.pow(2, -part), -whole);
    double value = sum.times(decay).value();
    return Double.isFinite(value) ? (Double) value : null;
  }

  /** The mean by weight, which is the same at every T; null where there is no value. */
  @Nullable Double mean() {
    if (stretches.isEmpty()) {
      return null;
    }
    double mean = total(false).exact().scaled().over(total(true).exact().scaled()).value();
    return Double.isFinite(mean) ? (Double) mean : null;
  }

  /** Relative to the beginning of the newest stretch. */
  private ExactSum total(boolean weights) {
    ExactSum total = new ExactSum();
    long newest = stretches.lastKey();
    stretches.forEach(
        (number, stretch) ->
            total.merge(weights ? stretch.weights : stretch.values, (int) (number - newest)));
    return total;
  }

  @Override
  public DecayedSum copy() {
    DecayedSum copy = new DecayedSum(column, halfLifeMillis);
    stretches.forEach((number, stretch) -> copy.stretches.put(number, stretch.copy()));
    return copy;
  }

  @Override
  public void write(DataOutput out) throws IOException {
    out.writeByte(TAG);
    CompactData.writeCount(out, column);
    CompactData.writeCount(out, halfLifeMillis);
    CompactData.writeCount(out, stretches.size());
    for (Map.Entry<Long, Stretch> entry : stretches.entrySet()) {
      CompactData.writeSigned(out, entry.getKey());
      CompactData.writeCount(out, entry.getValue().count);
      entry.getValue().values.write(out);
      entry.getValue().weights.write(out);
    }
  }

  static DecayedSum read(DataInput in) throws IOException {
    int column = CompactData.readSize(in);
    DecayedSum read = new DecayedSum(column, CompactData.readCount(in));
    int size = CompactData.readSize(in);
    for (int i = 0; i < size; i++) {
      long number = CompactData.readSigned(in);
      Stretch stretch = new Stretch();
      stretch.count = CompactData.readCount(in);
      stretch.values = ExactSum.read(in);
      stretch.weights = ExactSum.read(in);
      Stretch unusedBefore = read.stretches.put(number, stretch);
    }
    return read;
  }
}
