package dev.millrace.cli.fraud;

import dev.millrace.cli.fraud.FraudEvent.Report;
import dev.millrace.cli.fraud.FraudEvent.Transaction;
import java.time.Duration;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.PriorityQueue;
import java.util.SplittableRandom;

/** The world's events one after another; at any time it holds one day and the open reports. */
final class FraudStream implements Iterator<FraudEvent> {

  private static final long HONEST_LEAST_MILLIS = Duration.ofMinutes(5).toMillis();
  private static final long FRAUD_LEAST_MILLIS = Duration.ofHours(1).toMillis();

  private final FraudWorld world;
  private final PriorityQueue<Report> reports =
      new PriorityQueue<>(
          Comparator.comparingLong(Report::timeMillis).thenComparingInt(Report::number));
  private List<Transaction> day = List.of();
  private SplittableRandom delays;
  private int nextDay;
  private int inDay;
  private int numbers;

  FraudStream(FraudWorld world) {
    this.world = world;
    this.delays = world.random(0, 2);
  }

  @Override
  public boolean hasNext() {
    return inDay < day.size() || nextDay < FraudWorld.DAYS || !reports.isEmpty();
  }

  @Override
  public FraudEvent next() {
    if (inDay == day.size() && nextDay < FraudWorld.DAYS) {
      delays = world.random(nextDay, 2);
      day = FraudDay.of(world, nextDay, numbers);
      numbers += day.size();
      nextDay++;
      inDay = 0;
    }
    Report report = reports.peek();
    Transaction transaction = inDay < day.size() ? day.get(inDay) : null;
    if (transaction != null
        && (report == null || transaction.timeMillis() <= report.timeMillis())) {
      inDay++;
      reports.add(
          new Report(
              transaction.number(),
              transaction.timeMillis() + delayMillis(transaction.fraud()),
              transaction.fraud()));
      return transaction;
    }
    if (report == null) {
      throw new NoSuchElementException("The world of the fraud example has ended");
    }
    Report unused = reports.poll();
    return report;
  }

  /** Fraud is noticed later than its absence; everything within six hours. */
  private long delayMillis(boolean fraud) {
    double drawn = delays.nextDouble();
    long leastMillis = fraud ? FRAUD_LEAST_MILLIS : HONEST_LEAST_MILLIS;
    long moreMillis = FraudWorld.REPORT_DELAY_MAX.toMillis() - leastMillis;
    return leastMillis + (long) (moreMillis * (fraud ? Math.sqrt(drawn) : drawn * drawn));
  }
}
