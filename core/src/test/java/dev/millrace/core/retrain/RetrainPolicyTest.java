package dev.millrace.core.retrain;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.definition.Model.Cause;
import dev.millrace.core.definition.Model.Retraining;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.rollout.JoinedId;
import dev.millrace.core.rollout.Measured;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RetrainPolicyTest {

  private static final String MODEL = "fraud_risk";
  private static final long START = Instant.parse("2026-01-01T00:00:00Z").toEpochMilli();
  private static final long HOUR = Duration.ofHours(1).toMillis();
  private static final long DAY = 24 * HOUR;
  private static final RetrainPolicy.Spans SPANS =
      new RetrainPolicy.Spans(Duration.ofDays(28), Duration.ofHours(12), Duration.ofDays(1));

  private RetrainPolicy policy = policy(defaults());
  private RetrainState state = RetrainState.EMPTY;
  private final List<RetrainDecision> decisions = new ArrayList<>();
  private boolean inRollout;
  private long hour;

  private record Options(
      Set<Cause> on,
      @Nullable Duration schedule,
      Duration cooldown,
      int maxPerWeek,
      long minLabels,
      Retraining.@Nullable Quiet quiet) {}

  private static Options defaults() {
    return new Options(
        Set.of(Cause.PERFORMANCE, Cause.CONCEPT), null, Duration.ofHours(24), 3, 1_000, null);
  }

  private static RetrainPolicy policy(Options o) {
    return new RetrainPolicy(
        MODEL,
        new Retraining(o.on, o.schedule, o.cooldown, o.maxPerWeek, o.minLabels, o.quiet),
        SPANS);
  }

  private void keep(RetrainPolicy.Outcome outcome) {
    state = outcome.state();
    decisions.addAll(outcome.decisions());
  }

  private Measured measured(String metric, boolean alarm, @Nullable Long since) {
    return new Measured(
        MODEL,
        1,
        null,
        metric.equals("page_hinkley") ? "ANY" : "CHAMPION",
        null,
        START + hour * HOUR,
        START + (hour + 1) * HOUR,
        metric,
        metric + "/v1",
        0.3,
        0.25,
        alarm,
        since,
        400);
  }

  /** An hour of labels; {@code alarms} are metrics that alarm in it. */
  private void hour(String... alarms) {
    Set<String> alarmed = Set.of(alarms);
    for (String metric : List.of("log_loss", "auc", "page_hinkley")) {
      Long since =
          metric.equals("page_hinkley") && alarmed.contains(metric)
              ? Long.valueOf(START + (hour - 5) * HOUR)
              : null;
      keep(policy.on(state, measured(metric, alarmed.contains(metric), since), inRollout));
    }
    hour++;
  }

  private void hours(int count) {
    for (int i = 0; i < count; i++) {
      hour();
    }
  }

  private void drift() {
    keep(
        policy.on(
            state,
            new Drifted(
                MODEL,
                1,
                "amount",
                START + hour * HOUR,
                START + (hour + 1) * HOUR,
                "psi",
                "psi/v1",
                0.4,
                0.1),
            inRollout));
  }

  private LifecycleEntry event(
      LifecycleEntry.Event type, @Nullable Integer version, String key, String details) {
    return new LifecycleEntry(
        MODEL,
        LifecycleEntry.Kind.EVENT,
        type.name(),
        version,
        "registry",
        "",
        0,
        key,
        null,
        null,
        details);
  }

  private void happens(
      LifecycleEntry.Event type, @Nullable Integer version, String key, String details) {
    keep(policy.on(state, event(type, version, key, details), inRollout));
  }

  private void champion(int version) {
    happens(
        LifecycleEntry.Event.DEPLOYMENT_EFFECTIVE,
        version,
        "k" + version,
        "{\"deployment_id\": \"d"
            + version
            + "\", \"champion\": {\"version\": "
            + version
            + "}, \"canary\": null, \"share\": 0.0, \"shadows\": [], \"effective_time\": "
            + (START + hour * HOUR)
            + "}");
  }

  private List<String> said() {
    return decisions.stream()
        .map(
            d ->
                d.cause()
                    + " "
                    + (d.requested() ? "REQUESTED" : d.why())
                    + " at "
                    + (d.decidedAtMillis() - START) / HOUR)
        .toList();
  }

  @Test
  void aConceptThatChangedIsTrainedOnceLabelsCoverIt() {
    champion(1);
    hours(48);
    hour("page_hinkley");
    hours(80);
    // The rise began before 49; 12 h, 24 h and 24 h later there are labels for all parts.
    assertThat(said())
        .containsExactly("CONCEPT WAITING_FOR_LABELS at 49", "CONCEPT REQUESTED at 109");
    RetrainDecision request = decisions.get(1);
    assertThat(request.windowEndMillis()).isEqualTo(START + 109 * HOUR);
    assertThat(request.windowStartMillis()).isEqualTo(START + 109 * HOUR - 28 * DAY);
    assertThat(request.changeMillis()).isEqualTo(START + 43 * HOUR);
    assertThat(request.alarmMillis()).isEqualTo(START + 49 * HOUR);
    assertThat(request.episode()).isEqualTo("fraud_risk/1/2026-01-03T01:00:00Z");
    assertThat(request.requestId())
        .isEqualTo(
            JoinedId.of(
                List.of(
                    MODEL,
                    request.episode(),
                    "page_hinkley/v1",
                    String.valueOf(request.windowEndMillis()))));
    assertThat(request.why()).startsWith("concept: page_hinkley 0.3 against 0.25");
    assertThat(request.evidence()).contains("\"definition\":\"page_hinkley/v1\"");
  }

  @Test
  void oneNoisyWindowIsNoCauseTwoAre() {
    champion(1);
    hours(48);
    hour("log_loss");
    hours(6);
    hour("log_loss");
    hours(3);
    assertThat(said()).isEmpty();
    hour("auc");
    hours(2);
    assertThat(said()).containsExactly("PERFORMANCE WAITING_FOR_LABELS at 60");
    assertThat(decisions.get(0).changeMillis()).isEqualTo(START + 55 * HOUR);
    assertThat(decisions.get(0).alarmMillis()).isEqualTo(START + 56 * HOUR);
  }

  @Test
  void aCauseThatIsNotEnabledIsSaidOnce() {
    champion(1);
    for (int i = 0; i < 60; i++) {
      drift();
      hour();
    }
    assertThat(said()).containsExactly("COVARIATE CAUSE_NOT_ENABLED at 1");
  }

  @Test
  void anEpisodeThatDiesDownMakesNoRequestAndTheNextIsAnother() {
    policy =
        policy(
            new Options(Set.of(Cause.CONCEPT), null, Duration.ofHours(24), 3, 1_000_000_000, null));
    champion(1);
    hours(48);
    hour("page_hinkley");
    hours(24 * 8);
    assertThat(state.episode()).isNull();
    hour("page_hinkley");
    hours(2);
    assertThat(said())
        .containsExactly(
            "CONCEPT WAITING_FOR_LABELS at 49",
            "CONCEPT TOO_FEW_LABELS at 109",
            "CONCEPT WAITING_FOR_LABELS at 242");
    assertThat(decisions.get(2).episode()).isNotEqualTo(decisions.get(0).episode());
  }

  @Test
  void whatComesToNothingIsRequestedAgainAfterTheCooldown() {
    champion(1);
    hours(48);
    hour("page_hinkley");
    hours(66);
    String request = decisions.get(1).requestId();
    happens(LifecycleEntry.Event.VERSION_REJECTED, 2, "x", "{\"request_id\": \"" + request + "\"}");
    hours(30);
    assertThat(said())
        .containsExactly(
            "CONCEPT WAITING_FOR_LABELS at 49",
            "CONCEPT REQUESTED at 109",
            "CONCEPT COOLDOWN at 114",
            "CONCEPT REQUESTED at 133");
    assertThat(decisions.get(3).requestId()).isNotEqualTo(request);
  }

  @Test
  void theWeeksBudgetHolds() {
    policy = policy(new Options(Set.of(Cause.CONCEPT), null, Duration.ofHours(1), 2, 0, null));
    champion(1);
    hour("page_hinkley");
    hours(62);
    for (int i = 0; i < 3; i++) {
      String open = decisions.get(decisions.size() - 1).requestId();
      happens(LifecycleEntry.Event.REFUSED, null, open + "/validate", "{}");
      hours(3);
    }
    assertThat(said())
        .containsExactly(
            "CONCEPT WAITING_FOR_LABELS at 1",
            "CONCEPT REQUESTED at 61",
            "CONCEPT REQUESTED at 62",
            "CONCEPT BUDGET at 65");
  }

  @Test
  void quietHoursAreKept() {
    policy =
        policy(
            new Options(
                Set.of(Cause.CONCEPT),
                null,
                Duration.ofHours(24),
                3,
                0,
                new Retraining.Quiet(22 * 60, 8 * 60)));
    champion(1);
    hours(42);
    hour("page_hinkley");
    hours(80);
    // Ready at 103 = 07:00 of a day.
    assertThat(said())
        .containsExactly(
            "CONCEPT WAITING_FOR_LABELS at 43", "CONCEPT QUIET at 103", "CONCEPT REQUESTED at 104");
  }

  @Test
  void nothingIsRequestedWhileAChallengerIsOnItsWay() {
    champion(1);
    hours(48);
    inRollout = true;
    hour("page_hinkley");
    hours(80);
    inRollout = false;
    hour();
    assertThat(said()).containsExactly("CONCEPT IN_ROLLOUT at 49", "CONCEPT REQUESTED at 129");
  }

  @Test
  void aNewChampionEndsTheEpisodeAndOldAlarmsAreNotIts() {
    champion(1);
    hours(48);
    hour("page_hinkley");
    hours(2);
    champion(2);
    hour("page_hinkley");
    hours(80);
    assertThat(said()).containsExactly("CONCEPT WAITING_FOR_LABELS at 49");
    assertThat(state.episode()).isNull();
  }

  @Test
  void aScheduleNeedsNoAlarm() {
    policy =
        policy(
            new Options(
                Set.of(Cause.SCHEDULE), Duration.ofDays(7), Duration.ofHours(24), 3, 0, null));
    happens(
        LifecycleEntry.Event.VERSION_REGISTERED,
        1,
        "r",
        "{\"window_until\": \"" + Instant.ofEpochMilli(START - DAY) + "\"}");
    champion(1);
    hours(24 * 8);
    assertThat(said()).containsExactly("SCHEDULE REQUESTED at 144");
    assertThat(decisions.get(0).alarmMillis()).isNull();
    assertThat(decisions.get(0).changeMillis()).isNull();
  }

  @Test
  void labelsCountFromTheChampionsTrainingOn() {
    policy =
        policy(new Options(Set.of(Cause.CONCEPT), null, Duration.ofHours(24), 3, 24_000, null));
    happens(
        LifecycleEntry.Event.VERSION_REGISTERED,
        1,
        "r",
        "{\"window_until\": \"" + Instant.ofEpochMilli(START + DAY) + "\"}");
    champion(1);
    hours(48);
    hour("page_hinkley");
    hours(80);
    // 400 an hour from the second day on.
    assertThat(said())
        .containsExactly("CONCEPT WAITING_FOR_LABELS at 49", "CONCEPT REQUESTED at 109");
    assertThat(decisions.get(1).evidence()).contains("\"labels\":" + 400 * 86);
  }

  @Test
  void withoutAPolicyNothingHappens() {
    policy = new RetrainPolicy(MODEL, null, SPANS);
    champion(1);
    hour("page_hinkley");
    hours(80);
    assertThat(decisions).isEmpty();
    assertThat(state).isEqualTo(RetrainState.EMPTY);
  }

  @Test
  void repeatsAndOtherOrdersOfTheTopicsDecideTheSame() {
    for (int seed = 0; seed < 10; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      List<Measured> log = new ArrayList<>();
      for (hour = 0; hour < 24 * 12; hour++) {
        boolean bad = hour > 100 && random.nextInt(8) == 0;
        log.add(measured("log_loss", bad, null));
        boolean rise = hour > 100 && random.nextInt(60) == 0;
        Long since = rise ? Long.valueOf(START + (hour - 3) * HOUR) : null;
        log.add(measured("page_hinkley", rise, since));
      }
      hour = 0;
      LifecycleEntry effective =
          event(
              LifecycleEntry.Event.DEPLOYMENT_EFFECTIVE,
              1,
              "k",
              "{\"deployment_id\": \"d1\", \"champion\": {\"version\": 1}, \"effective_time\": null}");
      List<RetrainDecision> straight = decided(log, effective, 0, false);
      assertThat(decided(log, effective, 0, true)).as("repeats, seed %s", seed).isEqualTo(straight);
      assertThat(decided(log, effective, 150, false))
          .as("the champion is known later, seed %s", seed)
          .isEqualTo(straight);
      assertThat(straight.stream().filter(RetrainDecision::requested).count()).isLessThan(2);
    }
  }

  private List<RetrainDecision> decided(
      List<Measured> log, LifecycleEntry effective, int at, boolean repeats) {
    RetrainState folded = RetrainState.EMPTY;
    List<RetrainDecision> all = new ArrayList<>();
    for (int i = 0; i < log.size(); i++) {
      if (i == at) {
        RetrainPolicy.Outcome outcome = policy.on(folded, effective, false);
        folded = outcome.state();
        all.addAll(outcome.decisions());
      }
      int from = repeats ? Math.max(0, i - 4) : i;
      for (Measured measured : log.subList(from, i + 1)) {
        RetrainPolicy.Outcome outcome = policy.on(folded, measured, false);
        folded = outcome.state();
        all.addAll(outcome.decisions());
      }
    }
    return all;
  }

  /** The plainest other way to say when performance and concept make a request. */
  @Test
  void aNaiveRuleFindsTheSameRequests() {
    for (int seed = 0; seed < 60; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      int hoursInAll = 24 * 10;
      Set<Long> bad = new HashSet<>();
      for (long h = 60; h < hoursInAll; h++) {
        if (random.nextInt(15) == 0) {
          bad.add(h);
        }
      }
      state = RetrainState.EMPTY;
      decisions.clear();
      hour = 0;
      champion(1);
      for (int h = 0; h < hoursInAll; h++) {
        hour(bad.contains((long) h) ? new String[] {"log_loss"} : new String[0]);
      }
      Long request = naive(bad, hoursInAll - 1);
      assertThat(
              decisions.stream()
                  .filter(RetrainDecision::requested)
                  .map(d -> (d.decidedAtMillis() - START) / HOUR)
                  .toList())
          .as("seed %s", seed)
          .isEqualTo(request == null ? List.of() : List.of(request));
    }
  }

  private static @Nullable Long naive(Set<Long> bad, long last) {
    for (long now = 1; now <= last; now++) {
      List<Long> alarmed = new ArrayList<>();
      for (long h = now - 6; h < now; h++) {
        if (bad.contains(h)) {
          alarmed.add(h);
        }
      }
      if (alarmed.size() >= 2) {
        // 12 h + 24 h + 24 h after the first of them ended.
        long ready = Math.max(now, alarmed.get(0) + 1 + 60);
        return ready <= last ? ready : null;
      }
    }
    return null;
  }

  @Test
  void theStateIsTheSameAfterJson() throws Exception {
    champion(1);
    drift();
    hours(40);
    drift();
    hour("page_hinkley");
    hours(3);
    JsonMapper json = new JsonMapper();
    assertThat(json.readValue(json.writeValueAsString(state), RetrainState.class)).isEqualTo(state);
    assertThat(state.episode()).isNotNull();
  }

  @Test
  void whatIsPausedIsNotTrainedUntilItIsResumed() {
    champion(1);
    hours(48);
    hour("page_hinkley");
    hours(10);
    happens(LifecycleEntry.Event.MODEL_PAUSED, null, "p", "{}");
    hours(70);
    assertThat(said()).containsExactly("CONCEPT WAITING_FOR_LABELS at 49", "CONCEPT PAUSED at 58");
    happens(LifecycleEntry.Event.MODEL_RESUMED, null, "r", "{}");
    assertThat(said()).hasSize(3);
    assertThat(said().get(2)).startsWith("CONCEPT REQUESTED at 1");
  }
}
