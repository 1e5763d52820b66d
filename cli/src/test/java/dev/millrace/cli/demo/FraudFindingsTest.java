package dev.millrace.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cli.fraud.FraudWorld;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.Deployment.State;
import dev.millrace.core.model.PredictionId;
import dev.millrace.trainer.Metrics;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class FraudFindingsTest {

  private static final FraudTruth TRUTH = new FraudTruth(new FraudWorld(FraudWorld.SEED, true));
  private static final int SENT = 2_000;

  private final PredictionLedger ledger =
      new PredictionLedger("fraud", "fraud_risk", TRUTH.transactions());

  @Test
  void eachTransactionHasTheVersionThatServesItsTime() {
    long second = TRUTH.timeMillis(500);
    List<Deployment> served =
        List.of(
            deployment("a", State.EFFECTIVE, TRUTH.timeMillis(100), 1, null),
            deployment("b", State.EFFECTIVE, second, 1, 2));
    for (int number = 0; number < SENT; number++) {
      long time = TRUTH.timeMillis(number);
      if (time < TRUTH.timeMillis(100)) {
        serve(number, 0, "FALLBACK", null);
      } else if (time < second) {
        serve(number, 1, "CHAMPION", "a");
      } else if (TRUTH.card(number) % 5 == 0) {
        serve(number, 2, "CANARY", "b");
      } else {
        serve(number, 1, "CHAMPION", "b");
      }
    }
    FraudFindings findings = new FraudFindings(TRUTH, ledger, served, SENT);
    assertThat(findings.byWrongVersion()).isEmpty();
    assertThat(findings.cardsOfTwoVersions()).isZero();
    assertThat(ledger.frontier()).isEqualTo(SENT);
    assertThat(ledger.wrongIds()).isZero();
  }

  @Test
  void whatTheDeploymentsDoNotNameIsWrong() {
    List<Deployment> served =
        List.of(
            deployment("a", State.EFFECTIVE, TRUTH.timeMillis(100), 1, null),
            deployment("b", State.EFFECTIVE, TRUTH.timeMillis(500), 2, null));
    serve(50, 1, "CHAMPION", "a"); // before anybody served
    serve(200, 0, "FALLBACK", null); // somebody could have answered
    serve(300, 2, "CHAMPION", "b"); // too early
    serve(600, 1, "CHAMPION", "a"); // too late
    serve(700, 1, "CANARY", "b"); // no such canary
    serve(800, 2, "CHAMPION", "b");
    FraudFindings findings = new FraudFindings(TRUTH, ledger, served, SENT);
    assertThat(findings.byWrongVersion())
        .extracting(PredictionLedger.Served::number)
        .containsExactly(50, 200, 300, 600, 700);
  }

  @Test
  void untilARevocationBothAreRight() {
    List<Deployment> served =
        List.of(
            deployment("a", State.EFFECTIVE, TRUTH.timeMillis(100), 1, null),
            deployment("b", State.REVOKED, TRUTH.timeMillis(500), 2, null));
    serve(600, 2, "CHAMPION", "b");
    serve(601, 1, "CHAMPION", "a");
    serve(400, 2, "CHAMPION", "b");
    FraudFindings findings = new FraudFindings(TRUTH, ledger, served, SENT);
    assertThat(findings.byWrongVersion())
        .extracting(PredictionLedger.Served::number)
        .containsExactly(400);
  }

  @Test
  void aRepeatChangesNothingAndAWrongIdIsSeen() {
    serve(0, 1, "CHAMPION", "a");
    serve(0, 2, "CHAMPION", "b");
    ledger.served("0123", id(1), 1, "CHAMPION", "a", 0.5);
    assertThat(ledger.repeats()).isEqualTo(1);
    assertThat(ledger.wrongIds()).isEqualTo(1);
    PredictionLedger.Served first = ledger.served(0);
    assertThat(first).isEqualTo(new PredictionLedger.Served(0, 1, "CHAMPION", "a"));
  }

  @Test
  void bothVersionsAreComparedOnTheSameTransactions() {
    Random random = new Random(3);
    int from = 400;
    double[] labels = new double[SENT - from];
    double[] older = new double[SENT - from];
    double[] newer = new double[SENT - from];
    for (int number = 0; number < SENT; number++) {
      // Coarse, so that there are ties.
      float one = random.nextInt(1, 20) / 20f;
      float other =
          Math.min(0.99f, (TRUTH.fraud(number) ? 0.3f : 0f) + random.nextInt(1, 20) / 20f);
      ledger.shadow(id(number), 2, other);
      ledger.served(
          PredictionId.of("fraud", "fraud_risk", id(number)), id(number), 1, "CHAMPION", "a", one);
      if (number >= from) {
        labels[number - from] = TRUTH.fraud(number) ? 1 : 0;
        older[number - from] = one;
        newer[number - from] = other;
      }
    }
    FraudFindings.Compared compared =
        new FraudFindings(TRUTH, ledger, List.of(), SENT).compare(1, 2, TRUTH.timeMillis(from));
    assertThat(compared.transactions()).isEqualTo(SENT - from);
    assertThat(compared.olderAuc()).isEqualTo(Metrics.of(older, labels).auc(), within());
    assertThat(compared.newerAuc()).isEqualTo(Metrics.of(newer, labels).auc(), within());
    assertThat(compared.olderLogLoss()).isEqualTo(Metrics.of(older, labels).logLoss(), within());
    assertThat(compared.newerLogLoss()).isEqualTo(Metrics.of(newer, labels).logLoss(), within());
  }

  private static Offset<Double> within() {
    return Offset.offset(1e-9);
  }

  private void serve(int number, int version, String role, @Nullable String deploymentId) {
    ledger.served(
        PredictionId.of("fraud", "fraud_risk", id(number)),
        id(number),
        version,
        role,
        deploymentId,
        0.5);
  }

  private static String id(int number) {
    return String.format(Locale.ROOT, "t%07d", number);
  }

  private static Deployment deployment(
      String id, State state, long fromMillis, int champion, @Nullable Integer canary) {
    return new Deployment(
        "fraud_risk",
        id,
        state,
        fromMillis,
        new DeployedVersion(champion, "file:///m", "00"),
        canary == null ? null : new DeployedVersion(canary, "file:///m", "01"),
        canary == null ? 0 : 0.2,
        List.of(),
        0);
  }
}
