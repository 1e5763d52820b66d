package dev.millrace.inference;

import static dev.millrace.core.model.Deployment.State.EFFECTIVE;
import static dev.millrace.core.model.Deployment.State.REVOKED;
import static dev.millrace.inference.Flights.DELAY;
import static dev.millrace.inference.Flights.DISTANCE;
import static dev.millrace.inference.Flights.departure;
import static dev.millrace.inference.Flights.plan;
import static dev.millrace.inference.Flights.record;
import static dev.millrace.inference.Flights.timeMillis;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.scoring.RunEndedException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;

/** Who answers where a version has no score: champion, the version before, the expression. */
class FallbackChainTest {

  private static final ScoringPlan PLAN = plan("0.25", DELAY, DISTANCE);

  @Test
  void theVersionBeforeAnswersForSingleEvents() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, champion(0, 1), champion(1, 2))) {
      scoring.models.byVersion.put(2, row -> row[1] > 150 ? Double.NaN : 0.5);
      List<Integer> runs = new ArrayList<>();
      scoring.models.running = runs::add;
      scoring.event(departure(11, "JFK", 100.0));
      scoring.event(departure(12, "JFK", 200.0));
      scoring.event(departure(13, "JFK", 120.0));
      assertThat(scoring.predictions())
          .extracting(Prediction::role)
          .containsExactly(Role.CHAMPION, Role.FALLBACK, Role.CHAMPION);
      Prediction instead = scoring.predictions().get(1);
      assertThat(instead.version()).isEqualTo(1);
      assertThat(instead.sha256()).isEqualTo("sha-1");
      assertThat(instead.score()).isEqualTo(0.1);
      assertThat(instead.deploymentId()).isEqualTo("d2");
      assertThat(instead.inputs()).containsEntry("distance", 200.0);
      // Where all is well the version before does not run.
      scoring.event(departure(14, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(runs).containsExactly(2, 1, 2);
    }
  }

  @Test
  void theVersionBeforeAnswersForOneThatCannotRun() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, champion(0, 1), champion(1, 2), champion(2, 3))) {
      scoring.models.running = failing(3);
      // The newest that can be loaded.
      scoring.models.broken.add(2);
      scoring.event(departure(11, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.last().role()).isEqualTo(Role.FALLBACK);
      assertThat(scoring.last().version()).isEqualTo(1);
      // Who was revoked never answers.
      scoring.deploy(record(3, "d1", REVOKED, timeMillis(1), 1, null, 0));
      scoring.event(departure(12, "JFK", 100.0));
      scoring.barrier(2);
      assertThat(scoring.last().version()).isEqualTo(3);
      assertThat(scoring.last().sha256()).isNull();
      assertThat(scoring.last().score()).isEqualTo(0.25);
    }
  }

  @Test
  void theExpressionAnswersWhereTheVersionBeforeHasNoScoreEither() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, champion(0, 1), champion(1, 2))) {
      scoring.models.score(row -> Double.NaN);
      scoring.event(departure(11, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.last().role()).isEqualTo(Role.FALLBACK);
      assertThat(scoring.last().version()).isEqualTo(2);
      assertThat(scoring.last().sha256()).isNull();
      assertThat(scoring.last().score()).isEqualTo(0.25);
    }
  }

  @Test
  void theChampionAnswersForItsCanary() throws Exception {
    try (Scoring scoring =
        new Scoring(PLAN, champion(0, 1), record(1, "d2", EFFECTIVE, timeMillis(2), 2, 3, 1.0))) {
      scoring.event(departure(11, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.last().role()).isEqualTo(Role.CANARY);
      assertThat(scoring.last().shadows()).containsExactly(2);
      scoring.models.byVersion.put(3, row -> Double.POSITIVE_INFINITY);
      scoring.event(departure(12, "JFK", 100.0));
      scoring.barrier(2);
      assertThat(scoring.last().role()).isEqualTo(Role.FALLBACK);
      assertThat(scoring.last().version()).isEqualTo(2);
      assertThat(scoring.last().sha256()).isEqualTo("sha-2");
      // It is no shadow of what it answers.
      assertThat(scoring.last().shadows()).isEmpty();
      assertThat(scoring.shadows()).hasSize(1);
      scoring.models.byVersion.put(2, row -> Double.NaN);
      scoring.event(departure(13, "JFK", 100.0));
      scoring.barrier(3);
      assertThat(scoring.last().version()).isEqualTo(1);
    }
  }

  @Test
  void aVersionThatDoesNotComeBackIsLeftOut() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, champion(0, 1), champion(1, 2))) {
      List<Integer> runs = new ArrayList<>();
      boolean[] endless = {true};
      scoring.models.running =
          version -> {
            runs.add(version);
            if (version == 2 && endless[0]) {
              throw new RunEndedException("it had not come back", new RuntimeException());
            }
          };
      for (int i = 1; i < VersionRuns.ENDED_RUNS; i++) {
        score(scoring, 10 + i);
      }
      // One that comes back begins anew.
      endless[0] = false;
      score(scoring, 20);
      assertThat(scoring.last().role()).isEqualTo(Role.CHAMPION);
      endless[0] = true;
      for (int i = 1; i <= VersionRuns.ENDED_RUNS; i++) {
        assertThat(scoring.announced).isEmpty();
        score(scoring, 30 + i);
        assertThat(scoring.last().version()).isEqualTo(1);
      }
      assertThat(scoring.announced).hasSize(1);
      assertThat(scoring.announced.get(0).is(LifecycleEntry.Command.UNLOADABLE)).isTrue();
      assertThat(scoring.announced.get(0).reason())
          .contains("version 2", "deployment d2", "3 runs in a row did not come back");
      runs.clear();
      endless[0] = false;
      score(scoring, 40);
      assertThat(runs).containsExactly(1);
      // Another deployment tries it again.
      scoring.deploy(record(2, "d3", EFFECTIVE, timeMillis(45), 2, null, 0));
      score(scoring, 50);
      assertThat(scoring.last().version()).isEqualTo(2);
      assertThat(scoring.last().role()).isEqualTo(Role.CHAMPION);
    }
  }

  private static void score(Scoring scoring, int offset) throws Exception {
    scoring.event(departure(offset, "JFK", 100.0));
    scoring.barrier(offset);
  }

  @Test
  void theVersionBeforeStaysLoaded() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, champion(0, 1))) {
      scoring.event(departure(1, "JFK", 100.0));
      scoring.deploy(champion(1, 2));
      scoring.deploy(record(2, "d3", EFFECTIVE, timeMillis(4), 2, 3, 0.1));
      scoring.deploy(record(3, "d4", EFFECTIVE, timeMillis(5), 2, 3, 0.2));
      scoring.models.running = failing(2);
      scoring.event(departure(11, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.models.closed).isEmpty();
      assertThat(scoring.models.loaded).containsExactly(1, 2, 3);
    }
  }

  private static IntConsumer failing(int version) {
    return running -> {
      if (running == version) {
        throw new IllegalStateException("Cannot score with version " + version);
      }
    };
  }

  private static DeploymentRecord champion(long offset, int version) {
    return record(offset, "d" + version, EFFECTIVE, timeMillis(version), version, null, 0);
  }
}
