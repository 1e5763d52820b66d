package dev.millrace.cli.fraud;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cli.fraud.FraudEvent.Channel;
import dev.millrace.cli.fraud.FraudEvent.Report;
import dev.millrace.cli.fraud.FraudEvent.Transaction;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FraudWorldTest {

  private static final int EVENTS = 2 * FraudWorld.DAYS * FraudWorld.PER_DAY;

  @Test
  void theSameSeedIsTheSameWorldOnEachMachine() throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    Iterator<FraudEvent> events = new FraudWorld(FraudWorld.SEED, true).events();
    for (int i = 0; i < 10_000; i++) {
      digest.update(events.next().toString().getBytes(StandardCharsets.UTF_8));
    }
    assertThat(HexFormat.of().formatHex(digest.digest()))
        .isEqualTo("aa686e9156d74da1fd551b918ad839e0a3c8916fa4c4130bde724304667d4de7");
  }

  @Test
  void sixtyDaysHaveCyclesAndOneReportForEachTransaction() {
    long[] byDay = new long[FraudWorld.DAYS];
    long[] byHour = new long[24];
    long[] frauds = new long[FraudWorld.DAYS];
    long[] patterns = new long[FraudWorld.DAYS];
    Map<Integer, Transaction> open = new HashMap<>();
    Map<Integer, Long> byMerchant = new HashMap<>();
    long[] delaySums = new long[2];
    long[] delayCounts = new long[2];
    long before = Long.MIN_VALUE;
    int transactions = 0;
    int reports = 0;
    for (Iterator<FraudEvent> events = new FraudWorld(FraudWorld.SEED, true).events();
        events.hasNext(); ) {
      FraudEvent event = events.next();
      assertThat(event.timeMillis()).isGreaterThanOrEqualTo(before);
      before = event.timeMillis();
      if (event instanceof Transaction transaction) {
        assertThat(transaction.number()).isEqualTo(transactions++);
        long sinceStart = transaction.timeMillis() - FraudWorld.START.toEpochMilli();
        int day = (int) (sinceStart / FraudWorld.DAY_MILLIS);
        byDay[day]++;
        byHour[(int) (sinceStart % FraudWorld.DAY_MILLIS / 3_600_000)]++;
        frauds[day] += transaction.fraud() ? 1 : 0;
        patterns[day] += transaction.pattern() ? 1 : 0;
        assertThat(transaction.cents()).isPositive();
        open.put(transaction.number(), transaction);
        byMerchant.merge(transaction.merchant(), 1L, Long::sum);
      } else {
        Report report = (Report) event;
        reports++;
        Transaction about = open.remove(report.number());
        assertThat(report.fraud()).isEqualTo(about.fraud());
        long delay = report.timeMillis() - about.timeMillis();
        assertThat(delay).isBetween(1L, FraudWorld.REPORT_DELAY_MAX.toMillis());
        delaySums[report.fraud() ? 1 : 0] += delay;
        delayCounts[report.fraud() ? 1 : 0]++;
      }
    }
    assertThat(transactions).isEqualTo(600_000);
    assertThat(reports).isEqualTo(600_000);
    assertThat(open).isEmpty();
    for (int day = 0; day < FraudWorld.DAYS; day++) {
      assertThat(byDay[day]).isBetween(8_000L, 12_000L);
      assertThat((double) (frauds[day] - patterns[day]) / byDay[day]).isBetween(0.0145, 0.0155);
      if (day < FraudWorld.CHANGE_DAY - 1) {
        assertThat(patterns[day]).isZero();
      } else {
        assertThat((double) patterns[day] / byDay[day]).isBetween(0.014, 0.022);
      }
    }
    assertThat(byDay[4]).as("Friday").isGreaterThan(byDay[6] * 5 / 4);
    assertThat(byHour[18]).as("evening").isGreaterThan(byHour[3] * 5);
    assertThat(byMerchant.values()).allMatch(n -> n < 600_000 * 0.015);
    assertThat(delaySums[1] / delayCounts[1]).isGreaterThan(2 * delaySums[0] / delayCounts[0]);
  }

  @Test
  void withoutTheNewKindAllOtherEventsAreTheSame() {
    List<Transaction> with = transactions(true);
    List<Transaction> without = transactions(false);
    assertThat(with).hasSameSizeAs(without);
    for (int i = 0; i < with.size(); i++) {
      Transaction transaction = with.get(i);
      if (transaction.pattern()) {
        assertThat(transaction.channel()).isEqualTo(Channel.PHONE_ORDER);
        assertThat(transaction.timeMillis()).isEqualTo(without.get(i).timeMillis());
        assertThat(transaction.card()).isEqualTo(without.get(i).card());
        assertThat(without.get(i).fraud()).isFalse();
      } else {
        assertThat(transaction).isEqualTo(without.get(i));
      }
    }
  }

  private static List<Transaction> transactions(boolean change) {
    List<Transaction> transactions = new ArrayList<>(EVENTS / 2);
    new FraudWorld(FraudWorld.SEED, change)
        .events()
        .forEachRemaining(
            event -> {
              if (event instanceof Transaction transaction) {
                transactions.add(transaction);
              }
            });
    return transactions;
  }
}
