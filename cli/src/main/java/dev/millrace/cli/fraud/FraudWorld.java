package dev.millrace.cli.fraud;

import dev.millrace.cli.fraud.FraudEvent.Category;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Cards, merchants and sixty days of payments, decided by a seed alone: the same events on each
 * machine and in each run. Only additions, multiplications and square roots of random numbers
 * decide anything, which every Java computes to the same bits.
 *
 * <p>Transactions are frauds at about 1.5 % from the first day: bursts of small and middling
 * amounts at different merchants within minutes, and single large ones, mostly abroad. From day 31
 * on a new kind comes on top: phone orders of gift cards of ordinary amounts, at home, at ordinary
 * speed, most of all at night. It replaces honest transactions of the same instant and card, so
 * that a world without it has all other events the same.
 */
public final class FraudWorld {

  /** A Monday. */
  public static final Instant START = Instant.parse("2024-01-01T00:00:00Z");

  public static final int DAYS = 60;
  public static final int PER_DAY = 10_000;

  /** The first day of the new kind of fraud, counted from 1. */
  public static final int CHANGE_DAY = 31;

  public static final Duration REPORT_DELAY_MAX = Duration.ofHours(6);
  public static final long SEED = 7;

  static final int CARDS = 3_000;
  static final int MERCHANTS = 400;
  static final long DAY_MILLIS = Duration.ofDays(1).toMillis();

  private static final double[] BY_WEEKDAY = {1.0, 0.97, 0.98, 1.02, 1.12, 1.09, 0.86};

  private static final String[] COUNTRIES = {"DE", "FR", "NL", "AT", "ES", "IT"};

  private final long seed;
  private final boolean change;
  final int[] dayCounts = new int[DAYS];
  final Category[] categories = new Category[MERCHANTS];
  final int[] giftCardMerchants;
  final double[] cardScales = new double[CARDS];
  final double[] cardTravels = new double[CARDS];
  final String[] cardCountries = new String[CARDS];
  final Weights cards;
  final Weights merchants;

  /**
   * A world.
   *
   * @param change whether the new kind of fraud ever comes
   */
  public FraudWorld(long seed, boolean change) {
    this.seed = seed;
    this.change = change;
    countDays();
    SplittableRandom random = random(-1, 0);
    double[] merchantWeights = new double[MERCHANTS];
    for (int m = 0; m < MERCHANTS; m++) {
      merchantWeights[m] = 1 / Math.sqrt(m + 12.0);
      categories[m] = category(random.nextInt(100));
    }
    double[] cardWeights = new double[CARDS];
    for (int c = 0; c < CARDS; c++) {
      cardWeights[c] = 0.15 + random.nextDouble() * random.nextDouble() * 3;
      cardScales[c] = spread(random, 0.5);
      cardTravels[c] = random.nextInt(100) < 8 ? 0.25 : 0.01;
      cardCountries[c] = COUNTRIES[random.nextInt(COUNTRIES.length)];
    }
    cards = new Weights(cardWeights);
    merchants = new Weights(merchantWeights);
    giftCardMerchants =
        IntStream.range(0, MERCHANTS).filter(m -> categories[m] == Category.GIFT_CARDS).toArray();
  }

  /** Every event in the order of event time, each report after its transaction. */
  public Iterator<FraudEvent> events() {
    return new FraudStream(this);
  }

  /** When the new kind of fraud begins. */
  public static Instant changeTime() {
    return dayStart(CHANGE_DAY);
  }

  /** The first instant of a day, counted from 1. */
  public static Instant dayStart(int day) {
    return START.plus(Duration.ofDays(day - 1L));
  }

  boolean changed(int dayIndex) {
    return change && dayIndex >= CHANGE_DAY - 1;
  }

  /** A source of chance that nothing else draws from. */
  SplittableRandom random(int dayIndex, int stream) {
    return new SplittableRandom(seed * 1_000_003 + dayIndex * 31L + stream);
  }

  static String abroad(SplittableRandom random, String home) {
    String there = COUNTRIES[random.nextInt(COUNTRIES.length)];
    return there.equals(home) ? "GB" : there;
  }

  /**
   * A positive factor, mostly near 1, sometimes a few times more or less.
   *
   * @param width of its logarithm, roughly
   */
  static double spread(SplittableRandom random, double width) {
    // The sum of twelve is close to normal; (1 + x/8)^8 is close to e^x.
    double x = -6;
    for (int i = 0; i < 12; i++) {
      x += random.nextDouble();
    }
    double factor = Math.max(0.2, 1 + x * width / 8);
    factor *= factor;
    factor *= factor;
    return factor * factor;
  }

  /** Exactly {@link #PER_DAY} a day on average, by largest remainders. */
  private void countDays() {
    double sum = IntStream.range(0, DAYS).mapToDouble(d -> BY_WEEKDAY[d % 7]).sum();
    double[] shares = new double[DAYS];
    int left = DAYS * PER_DAY;
    for (int d = 0; d < DAYS; d++) {
      shares[d] = BY_WEEKDAY[d % 7] / sum * DAYS * PER_DAY;
      dayCounts[d] = (int) shares[d];
      left -= dayCounts[d];
    }
    List<Integer> byRemainder =
        IntStream.range(0, DAYS)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer d) -> (int) shares[d] - shares[d]))
            .toList();
    for (int d : byRemainder.subList(0, left)) {
      dayCounts[d]++;
    }
  }

  private static Category category(int percent) {
    int below = 0;
    for (Category category : Category.values()) {
      below += category.percent;
      if (percent < below) {
        return category;
      }
    }
    throw new IllegalStateException("Cannot choose a category: the shares do not add up to 100");
  }

  /** Picks an index by weight. */
  static final class Weights {
    private final double[] upTo;

    Weights(double[] weights) {
      upTo = weights.clone();
      Arrays.parallelPrefix(upTo, Double::sum);
    }

    int pick(SplittableRandom random) {
      int at = Arrays.binarySearch(upTo, random.nextDouble() * upTo[upTo.length - 1]);
      return Math.min(at < 0 ? -at - 1 : at + 1, upTo.length - 1);
    }
  }
}
