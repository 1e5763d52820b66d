package dev.millrace.core.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.lifecycle.DecidedDeployment.Named;
import dev.millrace.core.lifecycle.RegisteredVersion.Status;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Kind;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LifecycleRulesTest {

  private final Journal journal = new Journal();

  /** Whatever a test has done: the state is the fold of its events. */
  @AfterEach
  void theStateIsTheFoldOfTheEvents() {
    ModelState folded =
        ModelState.fold(journal.events)
            .getOrDefault(Journal.MODEL, ModelState.empty(Journal.MODEL));
    assertThat(folded).isEqualTo(journal.state);
    assertThat(LifecycleJson.write(folded)).isEqualTo(LifecycleJson.write(journal.state));
    assertThat(LifecycleJson.read(LifecycleJson.write(folded), ModelState.class))
        .isEqualTo(journal.state);
  }

  private static void assertRefused(List<LifecycleEntry> events, String... words) {
    assertThat(types(events)).containsExactly("REFUSED");
    assertThat(events.get(0).reason()).contains(words);
  }

  private static List<String> types(List<LifecycleEntry> events) {
    return events.stream().map(LifecycleEntry::type).toList();
  }

  private static String detail(LifecycleEntry event, String key) {
    return LifecycleJson.details(event.details()).path(key).asText();
  }

  @Test
  void versionsGetTheNextNumberAndKeepWhatTheyCameWith() {
    LifecycleEntry first =
        journal
            .register(
                """
                {"profile_uri": "file:///p", "profile_sha256": "cd", "request_id": "r1", "views": {"load": "0123456789ab"},
                 "metrics": {"holdout": {"auc": 0.75}}, "lineage": {"rows": 3}}""")
            .get(0);
    assertThat(first.type()).isEqualTo("VERSION_REGISTERED");
    assertThat(first.version()).isEqualTo(1);
    assertThat(first.uri()).isEqualTo("file:///key-0");
    assertThat(first.actor()).isEqualTo("trainer");
    assertThat(first.atMillis()).isEqualTo(1_000);
    assertThat(LifecycleJson.details(first.details()).path("lineage").path("rows").asInt())
        .isEqualTo(3);
    RegisteredVersion version = journal.state.version(1).orElseThrow();
    assertThat(version.profileUri()).isEqualTo("file:///p");
    assertThat(version.requestId()).isEqualTo("r1");
    assertThat(version.views()).containsOnly(Map.entry("load", "0123456789ab"));
    assertThat(version.status()).isEqualTo(Status.REGISTERED);
    // A number is never given again, whatever became of its version.
    assertThat(types(journal.ask(Command.ARCHIVE, 1, "{}"))).containsExactly("VERSION_ARCHIVED");
    assertThat(journal.register("{}").get(0).version()).isEqualTo(2);
  }

  @Test
  void aCommandThatComesAgainChangesNothing() {
    LifecycleEntry registration = Journal.registration("same", "{}");
    assertThat(journal.take(registration)).hasSize(1);
    ModelState before = journal.state;
    assertThat(journal.take(registration)).isEmpty();
    assertThat(journal.state).isEqualTo(before);
    // Also one that was refused.
    assertThat(journal.ask(Command.ARCHIVE, 9, "why", "{}", "again")).hasSize(1);
    assertThat(journal.ask(Command.ARCHIVE, 9, "why", "{}", "again")).isEmpty();
  }

  @Test
  void registrationsAndDeploymentsAreKnownForEverOtherKeysForAWhile() {
    journal.take(Journal.registration("first", "{}"));
    String id = journal.serve(1, 5);
    for (int i = 0; i < ModelState.KEYS_KEPT + 10; i++) {
      assertThat(journal.ask(Command.ARCHIVE, 9, "why", "{}", "other-" + i)).hasSize(1);
    }
    assertThat(journal.state.keys()).hasSize(ModelState.KEYS_KEPT);
    assertThat(journal.take(Journal.registration("first", "{}"))).isEmpty();
    String key = journal.state.deployment(id).orElseThrow().idempotencyKey();
    assertThat(journal.ask(Command.PROMOTE, 1, "why", "{\"force\":true}", key)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "[]", "null", "{", "7"})
  void detailsAreAnObject(String details) {
    assertRefused(journal.ask(Command.ROLLBACK, null, details), "details are no JSON object");
  }

  @Test
  void whatIsNoCommandIsRefused() {
    assertRefused(
        journal.take(
            new LifecycleEntry(
                Journal.MODEL, Kind.COMMAND, "DELETE", 1, "me", "", 0, "k", null, null, "{}")),
        "there is no command DELETE",
        "PROMOTE");
    assertRefused(
        journal.take(
            new LifecycleEntry(
                Journal.MODEL, Kind.COMMAND, "REGISTER", 1, "me", "", 0, "l", "u", "x", "{}")),
        "sha256 x of u");
  }

  @Test
  void whatWouldNotFitIntoItsEventIsRefused() {
    String much = "x".repeat(LifecycleRules.TEXT_MAX);
    List<LifecycleEntry> events = journal.register("{\"log\":\"" + much + "\"}");
    assertRefused(events, "at most 1000000");
    assertRefused(journal.ask(Command.ARCHIVE, 1, much, "{}", "k"), "at most");
    assertThat(journal.events.get(1).details().length()).isLessThan(3_000);
    String metrics = "y".repeat(ModelState.METRICS_MAX);
    journal.register("{\"metrics\":{\"much\":\"" + metrics + "\"}}");
    assertThat(journal.events.get(2).details()).contains(metrics);
    assertThat(journal.state.version(1).orElseThrow().metrics()).isNull();
  }

  @Test
  void aVersionMadeByHandIsTheFirstChampionWithoutGates() {
    journal.register("{}");
    List<LifecycleEntry> events = journal.ask(Command.PROMOTE, 1, "{}");
    assertThat(types(events)).containsExactly("DEPLOYMENT_PREPARING");
    assertThat(detail(events.get(0), "deployment_id"))
        .isEqualTo(LifecycleRules.deploymentId(Journal.MODEL, "key-1"))
        .matches("[0-9a-f]{32}");
    assertThat(detail(events.get(0), "state")).isEqualTo("PREPARING");
    assertThat(journal.state.champion()).isEmpty();
  }

  @Test
  void whoMayBecomeChampion() {
    journal.register("{\"request_id\":\"r1\"}");
    assertRefused(journal.ask(Command.PROMOTE, 1, "{}"), "version 1 is not validated", "force");
    assertRefused(journal.ask(Command.PROMOTE, 7, "{}"), "version 7 is not registered", "1");
    assertRefused(journal.ask(Command.PROMOTE, null, "{}"), "names no version");
    journal.ask(Command.VALIDATE, 1, "{\"passed\":false}");
    assertRefused(journal.ask(Command.PROMOTE, 1, "{}"), "rejected (because)", "force");
    assertRefused(
        journal.ask(Command.PROMOTE, 1, " ", "{\"force\":true}", "blank"), "force needs a reason");
    journal.ask(Command.VALIDATE, 1, "{\"passed\":true}");
    journal.serve(Command.PROMOTE, 1, "{}", 10);
    assertRefused(journal.ask(Command.PROMOTE, 1, "{}"), "champion already");
    journal.register("{}");
    // Made by hand, but no longer the first.
    assertRefused(journal.ask(Command.PROMOTE, 2, "{}"), "version 2 is not validated");
    journal.ask(Command.ARCHIVE, 2, "{}");
    assertRefused(journal.ask(Command.PROMOTE, 2, "{\"force\":true}"), "version 2 is archived");
    assertThat(types(journal.ask(Command.PROMOTE, 1, "{\"force\":true}")))
        .containsExactly("DEPLOYMENT_PREPARING");
  }

  @Test
  void gatesAreToldWithTheRequestOfTheVersion() {
    journal.register("{\"request_id\":\"r1\"}");
    LifecycleEntry event =
        journal.ask(Command.VALIDATE, 1, "{\"passed\":true,\"gates\":[]}").get(0);
    assertThat(event.type()).isEqualTo("VERSION_VALIDATED");
    assertThat(detail(event, "request_id")).isEqualTo("r1");
    assertRefused(journal.ask(Command.VALIDATE, 1, "{}"), "version 1 passed");
    assertRefused(journal.ask(Command.VALIDATE, 2, "{\"passed\":true}"), "not registered");
  }

  @Test
  void aVersionMadeElsewhereServesOnceSomebodyHasLookedIntoIt() {
    journal.take(Journal.unseenRegistration("elsewhere"));
    assertRefused(
        journal.ask(Command.PROMOTE, 1, "{\"force\":true}"),
        "nobody has looked into the artifact of version 1",
        "file:///elsewhere",
        "./millrace models evaluate delay_risk 1");
    assertRefused(journal.ask(Command.VALIDATE, 1, "{\"passed\":true}"), "sha256 is missing");
    assertRefused(journal.validate(1, "abc", "{\"passed\":true}"), "abc", "64 hex digits");

    // What cannot run is rejected without its bytes being taken.
    journal.ask(Command.VALIDATE, 1, "it takes 3 inputs", "{\"passed\":false}", "unfit");
    assertRefused(
        journal.ask(Command.PROMOTE, 1, "{\"force\":true}"),
        "version 1 was rejected and cannot serve: it takes 3 inputs");

    LifecycleEntry event =
        journal
            .validate(
                1,
                Journal.SHA,
                """
                {"passed": true, "evaluation": {"profile_uri": "file:///p", "profile_sha256": "cd",
                 "views": {"load": "0123456789ab"}, "metrics": {"holdout": {"auc": 0.75}}}}""")
            .get(0);
    assertThat(event.type()).isEqualTo("VERSION_VALIDATED");
    assertThat(event.sha256()).isEqualTo(Journal.SHA);
    RegisteredVersion version = journal.state.version(1).orElseThrow();
    assertThat(version.status()).isEqualTo(Status.VALIDATED);
    assertThat(version.sha256()).isEqualTo(Journal.SHA);
    assertThat(version.uri()).isEqualTo("file:///copy-of-" + Journal.SHA);
    assertThat(version.profileUri()).isEqualTo("file:///p");
    assertThat(version.profileSha256()).isEqualTo("cd");
    assertThat(version.views()).containsExactly(Map.entry("load", "0123456789ab"));
    assertThat(version.metrics()).hasToString("{\"holdout\":{\"auc\":0.75}}");
    assertThat(version.verdict()).isEqualTo("because");

    journal.serve(Command.PROMOTE, 1, "{}", 10);
    assertThat(journal.state.current().orElseThrow().champion()).isEqualTo(Named.of(version));
  }

  @Test
  void theBytesOfAVersionAreSaidOnce() {
    String other = "cd".repeat(32);
    journal.take(Journal.unseenRegistration("elsewhere"));
    journal.validate(
        1, Journal.SHA, "{\"passed\":true,\"evaluation\":{\"profile_uri\":\"file:///p\"}}");
    assertRefused(
        journal.validate(1, other, "{\"passed\":true}"),
        "version 1 is the file with sha256 " + Journal.SHA,
        "not " + other);
    // The same bytes at another place do not move it, and a later evaluation is what counts.
    LifecycleEntry again =
        journal
            .take(
                new LifecycleEntry(
                    Journal.MODEL,
                    Kind.COMMAND,
                    "VALIDATE",
                    1,
                    "me",
                    "failed better",
                    0,
                    "again",
                    "file:///elsewhere-again",
                    Journal.SHA,
                    "{\"passed\":false,\"evaluation\":{\"profile_uri\":\"file:///q\"}}"))
            .get(0);
    assertThat(again.uri()).isEqualTo("file:///copy-of-" + Journal.SHA);
    RegisteredVersion version = journal.state.version(1).orElseThrow();
    assertThat(version.uri()).isEqualTo("file:///copy-of-" + Journal.SHA);
    assertThat(version.status()).isEqualTo(Status.REJECTED);
    assertThat(version.profileUri()).isEqualTo("file:///q");
    assertRefused(journal.ask(Command.PROMOTE, 1, "{}"), "rejected (failed better)");

    journal.register("{}");
    assertRefused(journal.validate(2, other, "{\"passed\":true}"), "other bytes");
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
  void whatIsInUseIsNotArchived() {
    for (int version = 1; version <= 4; version++) {
      journal.validated();
    }
    journal.serve(1, 10);
    journal.serve(Command.STAGE, null, "{\"canary\":2,\"share\":0.5,\"shadows\":[3]}", 20);
    for (int version = 1; version <= 3; version++) {
      assertRefused(journal.ask(Command.ARCHIVE, version, "{}"), "is in use by deployment");
    }
    assertThat(types(journal.ask(Command.ARCHIVE, 4, "{}"))).containsExactly("VERSION_ARCHIVED");
    assertRefused(journal.ask(Command.ARCHIVE, 4, "{}"), "archived already");
    journal.ask(Command.PROMOTE, 3, "{}");
    assertThat(journal.preparing()).isNotNull();
    journal.ready(0, 1, 30L);
    assertThat(types(journal.ask(Command.ARCHIVE, 2, "{}"))).containsExactly("VERSION_ARCHIVED");
  }

  @Test
  void entriesThatTheRegistryHasNotWrittenChangeNothing() {
    journal.register("{}");
    LifecycleEntry foreign =
        new LifecycleEntry(
            Journal.MODEL,
            Kind.EVENT,
            "VERSION_REGISTERED",
            9,
            "somebody",
            "",
            0,
            "f",
            "u",
            "s",
            "no JSON");
    assertThat(journal.state.apply(foreign)).isSameAs(journal.state);
    assertThat(ModelState.fold(List.of(foreign))).isEqualTo(Map.of());
    // Neither does one that comes a second time.
    assertThat(journal.state.apply(journal.events.get(0))).isSameAs(journal.state);
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

  private List<LifecycleEntry> byPolicy(Command type, Integer version, String details, String key) {
    return journal.take(
        LifecycleEntry.command(
            Journal.MODEL,
            type,
            version,
            LifecycleRules.TRIGGER,
            "all steps held",
            journal.nowMillis,
            key,
            details));
  }

  @Test
  void whatIsPausedIsChangedByPeopleAlone() {
    assertRefused(journal.ask(Command.PAUSE, null, "{}"), "no version is registered");
    int first = journal.validated();
    int second = journal.validated();
    String id = journal.serve(first, 5);
    journal.nowMillis = 7_000;
    assertThat(types(journal.ask(Command.PAUSE, null, "a feast", "{}", "p1")))
        .containsExactly("MODEL_PAUSED");
    assertThat(journal.state.pause()).isEqualTo(new ModelState.Pause(7_000, "me", "a feast"));
    ModelState paused = journal.state;
    assertThat(journal.ask(Command.PAUSE, null, "again", "{}", "p2")).isEmpty();
    assertThat(journal.state).isEqualTo(paused);
    String shadow = "{\"canary\":null,\"share\":0,\"shadows\":[%d]}".formatted(second);
    assertRefused(
        byPolicy(Command.STAGE, second, shadow, "t1"), "paused by me (a feast)", "resume");
    assertRefused(byPolicy(Command.PROMOTE, second, "{}", "t2"), "paused by me");
    assertRefused(
        byPolicy(Command.ROLLBACK, second, "{\"deployment_id\":\"%s\"}".formatted(id), "t3"),
        "paused by me");
    // People go on, and so do the subtasks that prepare what they asked for.
    assertThat(journal.serve(Command.PROMOTE, second, "{}", 9)).isNotEqualTo(id);
    assertThat(journal.state.champion()).contains(second);
    assertThat(types(journal.ask(Command.ROLLBACK, null, "{}")))
        .containsExactly("DEPLOYMENT_REVOKED");
    assertThat(types(journal.ask(Command.RESUME, null, "{}"))).containsExactly("MODEL_RESUMED");
    assertThat(journal.state.pause()).isNull();
    assertThat(journal.ask(Command.RESUME, null, "{}")).isEmpty();
    assertThat(types(byPolicy(Command.STAGE, second, shadow, "t4")))
        .containsExactly("DEPLOYMENT_PREPARING");
  }
}
