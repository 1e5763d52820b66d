package dev.millrace.cli.demo;

import dev.millrace.cli.demo.PredictionLedger.Served;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What follows from the predictions and deployments that were read, computed here once more by
 * plain means: nothing of it is shared with the jobs.
 */
final class FraudFindings {

  private final FraudTruth truth;
  private final PredictionLedger ledger;
  private final List<Deployment> served;
  private final int sent;

  /**
   * Findings.
   *
   * @param served the deployments that served, in the order in which they began
   * @param sent transactions that were sent, from the first on
   */
  FraudFindings(FraudTruth truth, PredictionLedger ledger, List<Deployment> served, int sent) {
    this.truth = truth;
    this.ledger = ledger;
    this.served = served;
    this.sent = sent;
  }

  /** Transactions that another version answered than the deployments name for their time. */
  List<Served> byWrongVersion() {
    List<Served> wrong = new ArrayList<>();
    for (int number = 0; number < sent; number++) {
      Served by = ledger.served(number);
      if (by != null && !isRight(by, truth.timeMillis(number))) {
        wrong.add(by);
      }
    }
    return wrong;
  }

  /**
   * The newest deployment that stands and began at or before the event answers; of one that was
   * taken back later nobody can say when, so both it and the one before are right.
   */
  private boolean isRight(Served by, long timeMillis) {
    for (int i = served.size() - 1; i >= 0; i--) {
      Deployment deployment = served.get(i);
      Long from = deployment.effectiveTimeMillis();
      if (from != null && from > timeMillis) {
        continue;
      }
      if (deployment.deploymentId().equals(by.deploymentId())) {
        return answers(deployment, by);
      }
      if (deployment.state() != Deployment.State.REVOKED) {
        return false;
      }
    }
    return by.role().equals("FALLBACK") && by.version() == 0;
  }

  private static boolean answers(Deployment deployment, Served by) {
    DeployedVersion champion = deployment.champion();
    DeployedVersion canary = deployment.canary();
    return switch (by.role()) {
      case "CHAMPION" -> champion != null && champion.version() == by.version();
      case "CANARY" -> canary != null && canary.version() == by.version();
      default -> false;
    };
  }

  /** Cards that two versions answered within one deployment. */
  long cardsOfTwoVersions() {
    Map<String, Integer> byCard = new HashMap<>();
    long split = 0;
    for (int number = 0; number < sent; number++) {
      Served by = ledger.served(number);
      if (by != null && by.deploymentId() != null) {
        Integer before =
            byCard.putIfAbsent(by.deploymentId() + ' ' + truth.card(number), by.version());
        split += before != null && before != by.version() ? 1 : 0;
      }
    }
    return split;
  }

  /** Transactions from a time on that a version answered. */
  long answeredFrom(long fromMillis, int version) {
    long answered = 0;
    for (int number = 0; number < sent; number++) {
      Served by = ledger.served(number);
      if (by != null && truth.timeMillis(number) >= fromMillis && by.version() == version) {
        answered++;
      }
    }
    return answered;
  }

  /** The event time of the first transaction that a version answered as champion; null for none. */
  @Nullable Long firstAsChampion(int version) {
    for (int number = 0; number < sent; number++) {
      Served by = ledger.served(number);
      if (by != null && by.version() == version && by.role().equals("CHAMPION")) {
        return truth.timeMillis(number);
      }
    }
    return null;
  }

  /**
   * Two versions on the same transactions.
   *
   * @param olderAuc NaN where one kind of label is missing
   */
  record Compared(
      long transactions,
      long frauds,
      long fromMillis,
      long untilMillis,
      double olderAuc,
      double newerAuc,
      double olderLogLoss,
      double newerLogLoss) {}

  /** Compares on every transaction from a time on that both versions scored, served or not. */
  Compared compare(int older, int newer, long fromMillis) {
    List<Integer> both = new ArrayList<>();
    long frauds = 0;
    for (int number = 0; number < sent; number++) {
      if (truth.timeMillis(number) >= fromMillis
          && !Float.isNaN(ledger.score(older, number))
          && !Float.isNaN(ledger.score(newer, number))) {
        both.add(number);
        frauds += truth.fraud(number) ? 1 : 0;
      }
    }
    return new Compared(
        both.size(),
        frauds,
        both.isEmpty() ? 0 : truth.timeMillis(both.get(0)),
        both.isEmpty() ? 0 : truth.timeMillis(both.get(both.size() - 1)),
        auc(both, older),
        auc(both, newer),
        logLoss(both, older),
        logLoss(both, newer));
  }

  /** By the mean rank of the frauds, ties sharing theirs. */
  private double auc(List<Integer> numbers, int version) {
    List<Integer> ranked = new ArrayList<>(numbers);
    ranked.sort(Comparator.comparingDouble(n -> ledger.score(version, n)));
    double rankSum = 0;
    long frauds = 0;
    for (int from = 0; from < ranked.size(); ) {
      float score = ledger.score(version, ranked.get(from));
      int to = from;
      long fraudsHere = 0;
      while (to < ranked.size() && ledger.score(version, ranked.get(to)) == score) {
        fraudsHere += truth.fraud(ranked.get(to)) ? 1 : 0;
        to++;
      }
      rankSum += fraudsHere * ((from + 1 + to) / 2.0);
      frauds += fraudsHere;
      from = to;
    }
    long honest = ranked.size() - frauds;
    return (rankSum - frauds * (frauds + 1) / 2.0) / ((double) frauds * honest);
  }

  private double logLoss(List<Integer> numbers, int version) {
    double sum = 0;
    for (int number : numbers) {
      double p = Math.min(1 - 1e-6, Math.max(1e-6, ledger.score(version, number)));
      sum -= truth.fraud(number) ? Math.log(p) : Math.log(1 - p);
    }
    return sum / numbers.size();
  }
}
