package dev.millrace.core.lifecycle;

import static dev.millrace.core.lifecycle.Journal.assertRefused;
import static dev.millrace.core.lifecycle.Journal.detail;
import static dev.millrace.core.lifecycle.Journal.types;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.lifecycle.DecidedDeployment.Named;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What becomes of deployments: prepared, effective, staged, revoked. */
class DeploymentRulesTest {

  private final Journal journal = new Journal();

  /** Whatever a test has done. */
  @AfterEach
  void theStateIsTheFoldOfTheEvents() {
    journal.assertFolds();
  }

  @Test
  void aDeploymentIsEffectiveOnceEverySubtaskIsReady() {
    int version = journal.validated();
    journal.ask(Command.PROMOTE, version, "{}");
    String id = journal.preparing();
    assertThat(journal.ready(0, 2, 100L)).isEmpty();
    assertThat(journal.ready(0, 2, 90L)).isEmpty();
    LifecycleEntry event = journal.ready(1, 2, null).get(0);
    assertThat(event.type()).isEqualTo("DEPLOYMENT_EFFECTIVE");
    assertThat(event.actor()).isEqualTo("me");
    assertThat(event.idempotencyKey()).isEqualTo("key-2");
    // The first report of subtask 0 counts although a newer one says less.
    assertThat(detail(event, "effective_time")).isEqualTo("101");
    assertThat(journal.preparation).isNull();
    // One that comes late is no mistake.
    assertThat(journal.ready(id, 1, 2, 500L)).isEmpty();
    assertThat(journal.state.champion()).contains(version);
    assertThat(journal.state.at(100)).isEmpty();
    assertThat(journal.state.at(101).orElseThrow().deploymentId()).isEqualTo(id);
  }

  @Test
  void aJobThatComesBackWithAnotherParallelismReportsAnew() {
    journal.ask(Command.PROMOTE, journal.validated(), "{}");
    journal.ready(0, 3, 100L);
    journal.ready(2, 3, 300L);
    assertThat(journal.ready(0, 2, 200L)).isEmpty();
    LifecycleEntry event = journal.ready(1, 2, 50L).get(0);
    assertThat(detail(event, "effective_time")).isEqualTo("301");
  }

  @Test
  void whereNobodySawAnEventTheFirstOneIsItsAlready() {
    journal.ask(Command.PROMOTE, journal.validated(), "{}");
    LifecycleEntry event = journal.ready(0, 1, null).get(0);
    assertThat(detail(event, "effective_time")).isEqualTo(String.valueOf(Long.MIN_VALUE));
    assertThat(journal.state.at(Long.MIN_VALUE)).isPresent();
  }

  @ParameterizedTest
  @CsvSource({"2, 2", "-1, 2", "0, 0", "0, 100000"})
  void subtasksThatCannotBeAreRefused(int subtask, int parallelism) {
    journal.ask(Command.PROMOTE, journal.validated(), "{}");
    assertRefused(journal.ready(subtask, parallelism, 1L), "there is no subtask");
  }

  @Test
  void onlyOneDeploymentIsPreparedAtATime() {
    int first = journal.validated();
    int second = journal.validated();
    journal.ask(Command.PROMOTE, first, "{}");
    String id = journal.preparing();
    assertRefused(
        journal.ask(Command.PROMOTE, second, "{}"),
        "deployment " + id + " is being prepared; wait");
    assertRefused(journal.ask(Command.STAGE, null, "{}"), "is being prepared");
  }

  @Test
  void whatCannotBeLoadedIsRevoked() {
    int first = journal.validated();
    journal.serve(first, 10);
    journal.ask(Command.PROMOTE, journal.validated(), "{}");
    String id = journal.preparing();
    journal.ready(0, 2, 20L);
    List<LifecycleEntry> events =
        journal.ask(
            Command.UNLOADABLE,
            null,
            "sha256 is another",
            "{\"deployment_id\":\"" + id + "\",\"subtask\":1}",
            "u");
    assertThat(types(events)).containsExactly("DEPLOYMENT_REVOKED");
    assertThat(events.get(0).reason()).isEqualTo("sha256 is another");
    assertThat(journal.preparation).isNull();
    assertThat(journal.state.champion()).contains(first);
    assertThat(journal.ask(Command.UNLOADABLE, null, "{\"deployment_id\":\"" + id + "\"}"))
        .isEmpty();
  }

  @Test
  void whoIsReadyDoesNotWaitForEver() {
    journal.ask(Command.PROMOTE, journal.validated(), "{}");
    journal.nowMillis = 1_000_000;
    // Nobody has reported: inference does not run, and that may last.
    assertThat(journal.lookAgain(0)).isEmpty();
    journal.ready(0, 2, 20L);
    journal.nowMillis += LifecycleRules.PATIENCE_MILLIS - 1;
    assertThat(journal.lookAgain(0)).isEmpty();
    // A registry that has just come back may not have read the other report yet.
    journal.nowMillis += 10_000;
    assertThat(journal.lookAgain(journal.nowMillis - 1_000)).isEmpty();
    LifecycleEntry event = journal.lookAgain(0).get(0);
    assertThat(event.type()).isEqualTo("DEPLOYMENT_REVOKED");
    assertThat(event.reason()).isEqualTo("subtask(s) 1 of 2 did not get ready in 60 s");
    assertThat(event.actor()).isEqualTo("registry");
    assertThat(journal.preparation).isNull();
  }

  @Test
  void aChallengerStandsBesideTheChampion() {
    journal.validated();
    journal.validated();
    int third = journal.validated();
    assertRefused(
        journal.ask(Command.STAGE, null, "{\"canary\":2,\"share\":0.2}"), "there is no champion");
    journal.serve(1, 10);
    String id =
        journal.serve(
            Command.STAGE, null, "{\"canary\":2,\"share\":0.2,\"shadows\":[3,1,3,2]}", 20);
    DecidedDeployment staged = journal.state.current().orElseThrow();
    assertThat(staged.deploymentId()).isEqualTo(id);
    assertThat(staged.champion().version()).isEqualTo(1);
    assertThat(staged.canary()).isNotNull().extracting(Named::version).isEqualTo(2);
    assertThat(staged.share()).isEqualTo(0.2);
    // Who answers is no shadow besides, and nobody is one twice.
    assertThat(staged.shadows()).extracting(Named::version).containsExactly(third);
    assertThat(staged.deployment(Journal.MODEL).canaryShare()).isEqualTo(0.2);
    journal.serve(Command.STAGE, null, "{\"canary\":null,\"share\":0,\"shadows\":[]}", 30);
    assertThat(journal.state.current().orElseThrow().canary()).isNull();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{\"canary\":1,\"share\":0.2}; is champion, not canary",
        "{\"canary\":2,\"share\":0}; share 0",
        "{\"canary\":2,\"share\":1.5}; share 1.5",
        "{\"canary\":2}; is not above 0",
        "{\"canary\":null,\"share\":0.5}; without a canary",
        "{\"canary\":9,\"share\":0.5}; version 9 is not registered",
        "{\"canary\":3,\"share\":0.5}; version 3 is not validated",
        "{\"canary\":\"2\",\"share\":0.5}; no whole number",
        "{\"shadows\":[9]}; version 9 is not registered",
        "{\"shadows\":[4]}; shadow 4 is archived"
      })
  void stagesThatCannotBeAreRefused(String details, String why) {
    journal.validated();
    journal.validated();
    journal.register("{}");
    journal.validated();
    journal.ask(Command.ARCHIVE, 4, "{}");
    journal.serve(1, 10);
    assertRefused(journal.ask(Command.STAGE, null, details), why);
  }

  @Test
  void aRollbackRevokesBackToWhereSomebodyElseAnswered() {
    int first = journal.validated();
    int second = journal.validated();
    String original = journal.serve(first, 10);
    String canary = journal.serve(Command.STAGE, null, "{\"canary\":2,\"share\":0.5}", 20);
    String promoted = journal.serve(second, 30);
    String again = journal.serve(second, 40);
    List<LifecycleEntry> events =
        journal.ask(Command.ROLLBACK, null, "{\"deployment_id\":\"" + again + "\"}");
    assertThat(types(events))
        .containsExactly("DEPLOYMENT_REVOKED", "DEPLOYMENT_REVOKED", "DEPLOYMENT_REVOKED");
    assertThat(events.stream().map(e -> detail(e, "deployment_id")))
        .containsExactly(again, promoted, canary);
    assertThat(events).allSatisfy(e -> assertThat(e.reason()).isEqualTo("because"));
    assertThat(journal.state.current().orElseThrow().deploymentId()).isEqualTo(original);
    assertThat(journal.state.at(1_000).orElseThrow().champion().version()).isEqualTo(first);
    assertRefused(journal.ask(Command.ROLLBACK, null, "{}"), "nothing to go back to", "version 1");
  }

  @Test
  void aRollbackOfWhatNoLongerServesIsRefused() {
    int first = journal.validated();
    int second = journal.validated();
    String old = journal.serve(first, 10);
    assertRefused(new Journal().ask(Command.ROLLBACK, null, "{}"), "nothing is deployed");
    journal.serve(second, 20);
    assertRefused(
        journal.ask(Command.ROLLBACK, null, "{\"deployment_id\":\"" + old + "\"}"),
        "deployment " + old + " does not serve");
  }

  @Test
  void aRollbackTakesBackWhatIsPrepared() {
    int first = journal.validated();
    int second = journal.validated();
    String serving = journal.serve(first, 10);
    journal.ask(Command.PROMOTE, second, "{}");
    journal.ready(0, 2, 10L);
    assertThat(journal.preparation).isNotNull();
    assertThat(journal.ask(Command.ROLLBACK, null, "{}")).hasSize(1);
    assertThat(journal.preparation).isNull();
    assertThat(journal.state.current().orElseThrow().deploymentId()).isEqualTo(serving);
    // Named, only that one goes, although there would be something to go back to.
    journal.serve(second, 20);
    journal.ask(Command.PROMOTE, first, "{\"force\":true}");
    String named = journal.preparing();
    List<LifecycleEntry> events =
        journal.ask(Command.ROLLBACK, null, "{\"deployment_id\":\"" + named + "\"}");
    assertThat(events.stream().map(e -> detail(e, "deployment_id"))).containsExactly(named);
    assertThat(journal.state.champion()).contains(second);
  }

  @Test
  void aRollbackDoesNotBringBackTheArchived() {
    for (int version = 1; version <= 3; version++) {
      journal.validated();
      journal.serve(version, version * 10L);
    }
    journal.ask(Command.ARCHIVE, 2, "{}");
    assertThat(journal.ask(Command.ROLLBACK, null, "{}")).hasSize(2);
    assertThat(journal.state.champion()).contains(1);
  }

  @Test
  void onlyTheNewestRevokedDeploymentsAreKept() {
    journal.validated();
    String standing = journal.serve(1, 10);
    for (int i = 0; i < ModelState.REVOKED_KEPT + 5; i++) {
      journal.ask(Command.PROMOTE, 1, "{\"force\":true}");
      journal.ask(Command.ROLLBACK, null, "{\"deployment_id\":\"" + journal.preparing() + "\"}");
    }
    assertThat(journal.state.deployments())
        .filteredOn(d -> d.state() == Deployment.State.REVOKED)
        .hasSize(ModelState.REVOKED_KEPT);
    assertThat(journal.state.current().orElseThrow().deploymentId()).isEqualTo(standing);
  }
}
