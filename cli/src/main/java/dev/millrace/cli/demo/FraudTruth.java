package dev.millrace.cli.demo;

import dev.millrace.cli.fraud.FraudEvent.Transaction;
import dev.millrace.cli.fraud.FraudWorld;
import java.util.BitSet;
import java.util.Map;
import java.util.TreeMap;

/**
 * What really happened in the world, which no part of the loop is told: to hold its results
 * against.
 */
final class FraudTruth {

  private final int[] cards = new int[FraudWorld.DAYS * FraudWorld.PER_DAY];
  private final String[] cardIds = new String[cards.length];
  private final String[] merchantIds = new String[cards.length];
  private final long[] timesMillis = new long[cards.length];
  private final BitSet frauds = new BitSet(cards.length);

  FraudTruth(FraudWorld world) {
    Map<String, String> ids = new TreeMap<>();
    world
        .events()
        .forEachRemaining(
            event -> {
              if (event instanceof Transaction transaction) {
                int number = transaction.number();
                cards[number] = transaction.card();
                cardIds[number] = one(ids, transaction.cardId());
                merchantIds[number] = one(ids, transaction.merchantId());
                timesMillis[number] = transaction.timeMillis();
                frauds.set(number, transaction.fraud());
              }
            });
  }

  private static String one(Map<String, String> ids, String id) {
    String known = ids.putIfAbsent(id, id);
    return known == null ? id : known;
  }

  int transactions() {
    return cards.length;
  }

  int card(int number) {
    return cards[number];
  }

  String cardId(int number) {
    return cardIds[number];
  }

  String merchantId(int number) {
    return merchantIds[number];
  }

  long timeMillis(int number) {
    return timesMillis[number];
  }

  boolean fraud(int number) {
    return frauds.get(number);
  }
}
