package dev.millrace.cli.fraud;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cli.fraud.FraudEvent.Category;
import dev.millrace.cli.fraud.FraudEvent.Channel;
import dev.millrace.cli.fraud.FraudEvent.Transaction;
import dev.millrace.core.definition.Model;
import dev.millrace.scoring.BatchScorer;
import dev.millrace.scoring.OnnxModel;
import dev.millrace.trainer.Metrics;
import dev.millrace.trainer.Trainer;
import dev.millrace.trainer.TrainingRun;
import dev.millrace.trainer.TrainingSet;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the example promises of its world: a model of the first days ages when the new kind of fraud
 * comes, and one that has seen three days of it does not. Features are computed here by plain
 * loops.
 */
class FraudLearnabilityTest {

  private static final List<String> INPUTS =
      List.of(
          "count_5m",
          "count_24h_card",
          "sum_5m",
          "sum_24h",
          "mean_24h_card",
          "distinct_5m",
          "count_1h",
          "count_24h_merchant",
          "mean_24h_merchant",
          "amount",
          "hour",
          "foreign",
          "chip",
          "online",
          "phone_order",
          "electronics",
          "travel",
          "digital",
          "gift_cards");

  private static final long MINUTE = 60_000;
  private static final long HOUR = 60 * MINUTE;

  @TempDir private Path folder = Path.of("");

  private record Rows(long[] times, double[][] columns, double[] labels, String[] ids) {}

  @Test
  void aModelAgesAndItsSuccessorDoesNot() throws Exception {
    Rows rows = rows();
    TrainingRun old = train(rows, 28, 28);
    Metrics fresh = metrics(old, rows, 29, FraudWorld.CHANGE_DAY);
    Metrics aged = metrics(old, rows, 36, 46);
    assertThat(fresh.auc()).isGreaterThan(0.95);
    assertThat(aged.auc()).isLessThan(0.75);
    assertThat(aged.logLoss()).isGreaterThan(3 * fresh.logLoss());
    // It ends three days after the change: of its 28 days 25 were without.
    TrainingRun successor = train(rows, 33, 28);
    Metrics succeeding = metrics(successor, rows, 36, 46);
    assertThat(succeeding.auc()).isGreaterThan(0.95);
    assertThat(succeeding.logLoss()).isLessThan(aged.logLoss() / 2);
  }

  private static TrainingRun train(Rows rows, double untilDay, int days) {
    long end = FraudWorld.START.toEpochMilli() + (long) (untilDay * FraudWorld.DAY_MILLIS);
    long from = end - days * FraudWorld.DAY_MILLIS;
    int first = after(rows, from);
    int last = after(rows, end);
    double[][] columns = new double[INPUTS.size()][];
    for (int c = 0; c < columns.length; c++) {
      columns[c] = Arrays.copyOfRange(rows.columns[c], first, last);
    }
    TrainingSet set =
        new TrainingSet(
            "fraud",
            "fraud_risk",
            new TrainingSet.Bounds(from, end, end),
            INPUTS,
            Arrays.copyOfRange(rows.ids, first, last),
            Arrays.copyOfRange(rows.times, first, last),
            columns,
            Arrays.copyOfRange(rows.labels, first, last),
            new TrainingSet.Origin(Map.of(), Map.of(), last - first, 0, 0, 0));
    Model.Training training =
        new Model.Training(
            "xgboost",
            Duration.ofDays(days),
            Duration.ofHours(12),
            Duration.ofDays(1),
            Map.of("trees", 100.0, "depth", 6.0),
            7);
    return new Trainer(line -> {}).train(set, training, INPUTS);
  }

  private Metrics metrics(TrainingRun run, Rows rows, int fromDay, int untilDay) throws Exception {
    int first = after(rows, FraudWorld.dayStart(fromDay).toEpochMilli() - 1);
    int last = after(rows, FraudWorld.dayStart(untilDay).toEpochMilli() - 1);
    Path file = folder.resolve(run.sha256() + ".onnx");
    Files.write(file, run.onnx());
    double[] scores = new double[last - first];
    try (OnnxModel model = OnnxModel.load(file, null, INPUTS.size());
        BatchScorer scorer = model.scorer(256)) {
      for (int at = first; at < last; at += 256) {
        int n = Math.min(256, last - at);
        for (int row = 0; row < n; row++) {
          for (int c = 0; c < INPUTS.size(); c++) {
            scorer.put(row, c, rows.columns[c][at + row]);
          }
        }
        scorer.score(n);
        for (int row = 0; row < n; row++) {
          scores[at - first + row] = scorer.probability(row);
        }
      }
    }
    return Metrics.of(scores, Arrays.copyOfRange(rows.labels, first, last));
  }

  private static int after(Rows rows, long millis) {
    int at = Arrays.binarySearch(rows.times, millis);
    at = at < 0 ? -at - 1 : at;
    while (at < rows.times.length && rows.times[at] <= millis) {
      at++;
    }
    return at;
  }

  private static Rows rows() {
    int n = FraudWorld.DAYS * FraudWorld.PER_DAY;
    Rows rows = new Rows(new long[n], new double[INPUTS.size()][n], new double[n], new String[n]);
    Map<Integer, Deque<Transaction>> byCard = new HashMap<>();
    Map<Integer, Deque<Transaction>> byMerchant = new HashMap<>();
    int[] at = {0};
    new FraudWorld(FraudWorld.SEED, true)
        .events()
        .forEachRemaining(
            event -> {
              if (event instanceof Transaction t) {
                int row = at[0]++;
                rows.times[row] = t.timeMillis();
                rows.labels[row] = t.fraud() ? 1 : 0;
                rows.ids[row] = t.id();
                List<Double> values = new ArrayList<>();
                card(window(byCard, t.card(), t), t, values);
                merchant(window(byMerchant, t.merchant(), t), t, values);
                values.add(t.amount());
                values.add((double) (t.timeMillis() / HOUR % 24));
                values.add(t.country().equals(t.cardCountry()) ? 0.0 : 1.0);
                for (Channel channel : List.of(Channel.CHIP, Channel.ONLINE, Channel.PHONE_ORDER)) {
                  values.add(t.channel() == channel ? 1.0 : 0.0);
                }
                for (Category category :
                    List.of(
                        Category.ELECTRONICS,
                        Category.TRAVEL,
                        Category.DIGITAL,
                        Category.GIFT_CARDS)) {
                  values.add(t.category() == category ? 1.0 : 0.0);
                }
                for (int c = 0; c < values.size(); c++) {
                  rows.columns[c][row] = values.get(c);
                }
              }
            });
    return rows;
  }

  private static Deque<Transaction> window(
      Map<Integer, Deque<Transaction>> byKey, int key, Transaction t) {
    Deque<Transaction> window = byKey.computeIfAbsent(key, k -> new ArrayDeque<>());
    window.add(t);
    while (window.getFirst().timeMillis() <= t.timeMillis() - 24 * HOUR) {
      window.removeFirst();
    }
    return window;
  }

  private static void card(Deque<Transaction> day, Transaction now, List<Double> values) {
    double count = 0;
    double sum = 0;
    double sumDay = 0;
    Set<Integer> merchants = new HashSet<>();
    for (Transaction t : day) {
      sumDay += t.amount();
      if (t.timeMillis() > now.timeMillis() - 5 * MINUTE) {
        count++;
        sum += t.amount();
        merchants.add(t.merchant());
      }
    }
    values.addAll(
        List.of(
            count,
            (double) day.size(),
            sum,
            sumDay,
            sumDay / day.size(),
            (double) merchants.size()));
  }

  private static void merchant(Deque<Transaction> day, Transaction now, List<Double> values) {
    double hour = 0;
    double sum = 0;
    for (Transaction t : day) {
      sum += t.amount();
      hour += t.timeMillis() > now.timeMillis() - HOUR ? 1 : 0;
    }
    values.addAll(List.of(hour, (double) day.size(), sum / day.size()));
  }
}
