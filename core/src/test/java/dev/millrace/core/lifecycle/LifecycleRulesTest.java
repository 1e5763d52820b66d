package dev.millrace.core.lifecycle;

import static dev.millrace.core.lifecycle.Journal.assertRefused;
import static dev.millrace.core.lifecycle.Journal.detail;
import static dev.millrace.core.lifecycle.Journal.types;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.lifecycle.DecidedDeployment.Named;
import dev.millrace.core.lifecycle.RegisteredVersion.Status;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Kind;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of versions, and what no command may do. */
class LifecycleRulesTest {

  private final Journal journal = new Journal();

  /** Whatever a test has done. */
  @AfterEach
  void theStateIsTheFoldOfTheEvents() {
    journal.assertFolds();
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
