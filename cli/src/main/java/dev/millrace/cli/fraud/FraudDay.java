package dev.millrace.cli.fraud;

import dev.millrace.cli.fraud.FraudEvent.Category;
import dev.millrace.cli.fraud.FraudEvent.Channel;
import dev.millrace.cli.fraud.FraudEvent.Transaction;
import dev.millrace.cli.fraud.FraudWorld.Weights;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;

/** One day's transactions in the order of their times. */
final class FraudDay {

  private static final double FRAUDS = 0.015;

  /** Of all transactions by day; {@link #NIGHT_TIMES} so many at night: 1.75 % in all. */
  private static final double PATTERN = 0.0155;

  private static final double NIGHT_TIMES = 3;
  private static final long MINUTE_MILLIS = 60_000;
  private static final long HOUR_MILLIS = 60 * MINUTE_MILLIS;

  /** Long enough for the longest run of transactions that belong together. */
  private static final long RUN_MILLIS = 5 * MINUTE_MILLIS;

  private static final Weights HOURS =
      new Weights(
          new double[] {
            0.35, 0.22, 0.16, 0.13, 0.14, 0.2, 0.4, 0.75, 1.05, 1.2, 1.3, 1.45, 1.6, 1.5, 1.35, 1.3,
            1.4, 1.65, 1.75, 1.6, 1.3, 1.05, 0.8, 0.55
          });

  private final FraudWorld world;
  private final int dayIndex;
  private final SplittableRandom random;
  private final List<Draft> drafts = new ArrayList<>();

  private static final class Draft {
    long timeMillis;
    int card;
    int merchant;
    Channel channel = Channel.CHIP;
    String country = "";
    double amount;
    boolean fraud;
    boolean pattern;
  }

  private FraudDay(FraudWorld world, int dayIndex) {
    this.world = world;
    this.dayIndex = dayIndex;
    this.random = world.random(dayIndex, 0);
  }

  static List<Transaction> of(FraudWorld world, int dayIndex, int firstNumber) {
    return new FraudDay(world, dayIndex).transactions(firstNumber);
  }

  private List<Transaction> transactions(int firstNumber) {
    int count = world.dayCounts[dayIndex];
    int frauds = (int) (count * FRAUDS);
    while (drafts.size() < frauds) {
      int kind = random.nextInt(100);
      if (kind < 25) {
        burst(Math.min(3 + random.nextInt(5), frauds - drafts.size()));
      } else if (kind < 97) {
        grab();
      } else {
        // Some frauds look like anything else.
        honest(time()).fraud = true;
      }
    }
    while (drafts.size() < count) {
      if (random.nextInt(100) < 2) {
        shopping(Math.min(2 + random.nextInt(3), count - drafts.size()));
      } else {
        honest(time());
      }
    }
    if (world.changed(dayIndex)) {
      pattern();
    }
    drafts.sort(Comparator.comparingLong(d -> d.timeMillis));
    List<Transaction> transactions = new ArrayList<>(count);
    for (Draft draft : drafts) {
      transactions.add(
          new Transaction(
              firstNumber + transactions.size(),
              draft.timeMillis,
              draft.card,
              draft.merchant,
              world.categories[draft.merchant],
              Math.max(50, Math.round(draft.amount * 100)),
              draft.channel,
              draft.country,
              world.cardCountries[draft.card],
              draft.fraud,
              draft.pattern));
    }
    return transactions;
  }

  private long time() {
    long inDay = HOURS.pick(random) * HOUR_MILLIS + random.nextLong(HOUR_MILLIS);
    return FraudWorld.START.toEpochMilli() + dayIndex * FraudWorld.DAY_MILLIS + inDay;
  }

  /** A time from which a run ends on the same day. */
  private long runTime() {
    long dayEnd = FraudWorld.START.toEpochMilli() + (dayIndex + 1) * FraudWorld.DAY_MILLIS;
    return Math.min(time(), dayEnd - RUN_MILLIS - 1);
  }

  private Draft honest(long timeMillis) {
    return honest(timeMillis, world.cards.pick(random));
  }

  private Draft honest(long timeMillis, int card) {
    Draft draft = new Draft();
    draft.timeMillis = timeMillis;
    draft.card = card;
    draft.merchant = world.merchants.pick(random);
    Category category = world.categories[draft.merchant];
    int channel = random.nextInt(100);
    int online =
        switch (category) {
          case DIGITAL, GIFT_CARDS -> 70;
          case TRAVEL, ELECTRONICS, FASHION -> 40;
          case GROCERY, FUEL, RESTAURANT, HOUSEHOLD -> 8;
        };
    draft.channel =
        channel < online
            ? Channel.ONLINE
            : channel >= 94 ? Channel.PHONE_ORDER : at(channel, (online + 94) / 2);
    String home = world.cardCountries[card];
    draft.country =
        random.nextDouble() < world.cardTravels[card] ? FraudWorld.abroad(random, home) : home;
    draft.amount = category.euros * world.cardScales[card] * FraudWorld.spread(random, 0.6);
    drafts.add(draft);
    return draft;
  }

  private static Channel at(int percent, int middle) {
    return percent < middle ? Channel.CONTACTLESS : Channel.CHIP;
  }

  /** Several honest transactions of one card in a row, as on a Saturday in town. */
  private void shopping(int count) {
    long timeMillis = runTime();
    int card = world.cards.pick(random);
    for (int i = 0; i < count; i++) {
      honest(timeMillis, card);
      timeMillis += random.nextLong(RUN_MILLIS / 4);
    }
  }

  /** A stolen number is tried at many places at once. */
  private void burst(int count) {
    long timeMillis = runTime();
    int card = random.nextInt(FraudWorld.CARDS);
    boolean abroad = random.nextInt(100) < 45;
    String home = world.cardCountries[card];
    for (int i = 0; i < count; i++) {
      Draft draft = new Draft();
      draft.timeMillis = timeMillis;
      draft.card = card;
      draft.merchant = random.nextInt(FraudWorld.MERCHANTS);
      draft.channel = random.nextInt(100) < 85 ? Channel.ONLINE : Channel.CONTACTLESS;
      draft.country = abroad ? FraudWorld.abroad(random, home) : home;
      draft.amount = 70 * FraudWorld.spread(random, 0.7);
      draft.fraud = true;
      drafts.add(draft);
      timeMillis += 5_000 + random.nextLong(RUN_MILLIS / 8 - 5_000);
    }
  }

  /** One large amount, before anybody looks. */
  private void grab() {
    Draft draft = new Draft();
    draft.timeMillis = time();
    draft.card = random.nextInt(FraudWorld.CARDS);
    draft.merchant = random.nextInt(FraudWorld.MERCHANTS);
    int channel = random.nextInt(100);
    draft.channel = channel < 70 ? Channel.ONLINE : Channel.CHIP;
    String home = world.cardCountries[draft.card];
    draft.country = random.nextInt(100) < 70 ? FraudWorld.abroad(random, home) : home;
    draft.amount = 420 * FraudWorld.spread(random, 0.6);
    draft.fraud = true;
    drafts.add(draft);
  }

  /** Turns honest transactions into the new kind, each on its own draw. */
  private void pattern() {
    SplittableRandom chance = world.random(dayIndex, 1);
    for (Draft draft : drafts) {
      double drawn = chance.nextDouble();
      long hour = Math.floorMod(draft.timeMillis, FraudWorld.DAY_MILLIS) / HOUR_MILLIS;
      boolean night = hour >= 22 || hour < 6;
      if (!draft.fraud && drawn < PATTERN * (night ? NIGHT_TIMES : 1)) {
        draft.merchant = world.giftCardMerchants[chance.nextInt(world.giftCardMerchants.length)];
        draft.channel = Channel.PHONE_ORDER;
        draft.country = world.cardCountries[draft.card];
        draft.amount = 20 + chance.nextInt(30);
        draft.fraud = true;
        draft.pattern = true;
      }
    }
  }
}
