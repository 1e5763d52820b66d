package dev.millrace.core.retrain;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.definition.Model.Cause;
import dev.millrace.core.definition.Model.Retraining;
import dev.millrace.core.definition.Model.Training;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.retrain.RetrainDecision.Suppression;
import dev.millrace.core.retrain.RetrainState.Alarm;
import dev.millrace.core.retrain.RetrainState.Champion;
import dev.millrace.core.retrain.RetrainState.Episode;
import dev.millrace.core.rollout.JoinedId;
import dev.millrace.core.rollout.Measured;
import dev.millrace.core.rollout.RolloutStep;
import dev.millrace.core.rollout.Standing;
import java.io.Serializable;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether a model is trained again. A pure fold: what was seen of a model gives the next
 * state and decisions; also the decision not to is one, each time its reason changes.
 *
 * <p>Causes, always of the serving champion and over all its events:
 *
 * <ul>
 *   <li>performance: {@code log_loss}, {@code auc} or {@code calibration_error} alarms in at least
 *       {@value #ALARMED_WINDOWS_MIN} of the last {@value #WINDOWS_JUDGED} windows, so that one
 *       noisy window is no cause;
 *   <li>concept: one alarm of {@code page_hinkley}, which itself looks over many windows;
 *   <li>covariate: one drifted statistic of an input or the score;
 *   <li>schedule: so long since the end of the champion's training window, or else since it serves.
 * </ul>
 *
 * <p>An episode begins with the first cause. It ends with a new champion, or when nothing has
 * alarmed for {@value #QUIET_DAYS} days, counted from when a request was possible at the earliest.
 * It makes one request; where that comes to nothing (the version is rejected, its rollout fails)
 * another after the cooldown.
 */
public final class RetrainPolicy {

  /** How many windows have to alarm for the cause performance. */
  public static final int ALARMED_WINDOWS_MIN = 2;

  /** Among how many. */
  public static final int WINDOWS_JUDGED = 6;

  /** After how many days without an alarm an episode ends. */
  public static final int QUIET_DAYS = 3;

  private static final Set<String> PERFORMANCE = Set.of("log_loss", "auc", "calibration_error");
  private static final List<String> TRAINED_UNTIL = List.of("window_until", "window_end");
  private static final String CONCEPT = "page_hinkley";
  private static final String SHADOW = "SHADOW";
  private static final Set<String> SERVED = Set.of("CHAMPION", "CANARY");
  private static final Duration QUIET_AFTER = Duration.ofDays(QUIET_DAYS);
  private static final Duration WEEK = Duration.ofDays(7);
  private static final long DAY_MILLIS = Duration.ofDays(1).toMillis();
  private static final int MINUTES_OF_DAY = 24 * 60;
  private static final int ALARMS_MAX = 2_000;
  private static final int ALARMS_OF_WINDOW_MAX = 4;
  private static final int EVIDENCE_MAX = 16;
  private static final int DAYS_MAX = 400;
  private static final int VERSIONS_MAX = 64;
  private static final JsonMapper JSON = new JsonMapper();

  private final String model;
  private final @Nullable Retraining retraining;
  private final @Nullable Spans training;

  /**
   * @param retraining null: nothing happens by itself
   * @param training null likewise: there is nothing to train it with
   */
  public RetrainPolicy(String model, @Nullable Retraining retraining, @Nullable Spans training) {
    this.model = model;
    this.retraining = retraining;
    this.training = training;
  }

  /**
   * How long a training looks back, and what it needs of that.
   *
   * @param window of all events; validation and holdout are its end
   */
  public record Spans(Duration window, Duration validation, Duration holdout)
      implements Serializable {
    public static Spans of(Training training) {
      return new Spans(training.window(), training.validation(), training.holdout());
    }
  }

  /** What follows from one input. */
  public record Outcome(RetrainState state, List<RetrainDecision> decisions) {
    public Outcome {
      decisions = List.copyOf(decisions);
    }
  }

  /**
   * A performance record came.
   *
   * @param inRollout whether a challenger is on its way or in probation
   */
  public Outcome on(RetrainState state, Measured measured, boolean inRollout) {
    return turn(state, inRollout, t -> t.measured(measured));
  }

  /** A window drifted. */
  public Outcome on(RetrainState state, Drifted drifted, boolean inRollout) {
    return turn(state, inRollout, t -> t.drifted(drifted));
  }

  /** An entry of the registry's journal came. */
  public Outcome on(RetrainState state, LifecycleEntry entry, boolean inRollout) {
    if (entry.kind() != LifecycleEntry.Kind.EVENT || !entry.model().equals(model)) {
      return new Outcome(state, List.of());
    }
    return turn(state, inRollout, t -> t.happened(entry));
  }

  /** A rollout took a step. */
  public Outcome on(RetrainState state, RolloutStep step, boolean inRollout) {
    return turn(
        state,
        inRollout,
        t -> {
          if (step.decision().endsBadly() && step.requestId() != null) {
            t.release(step.requestId());
          }
        });
  }

  private Outcome turn(RetrainState state, boolean inRollout, Consumed consumed) {
    if (retraining == null || training == null) {
      return new Outcome(state, List.of());
    }
    Turn turn = new Turn(state, retraining, training);
    consumed.by(turn);
    turn.decide(inRollout);
    return new Outcome(turn.state, turn.decisions);
  }

  private interface Consumed {
    void by(Turn turn);
  }

  /** One input's way through the fold. */
  private final class Turn {
    private final Retraining policy;
    private final Spans recipe;
    private RetrainState state;
    private final List<RetrainDecision> decisions = new ArrayList<>();

    Turn(RetrainState state, Retraining policy, Spans recipe) {
      this.state = state;
      this.policy = policy;
      this.recipe = recipe;
    }

    // What is seen.

    void measured(Measured measured) {
      if (measured.segment() != null) {
        return;
      }
      state = state.time(state.time().after(measured.windowEndMillis()));
      if (measured.metric().equals("log_loss") && SERVED.contains(measured.role())) {
        count(measured);
      }
      boolean performance =
          PERFORMANCE.contains(measured.metric()) && SERVED.contains(measured.role());
      // Page-Hinkley goes over all events that a version answers, in whatever role.
      boolean concept = measured.metric().equals(CONCEPT) && !measured.role().equals(SHADOW);
      if (measured.alarm() && (performance || concept)) {
        alarm(
            new Alarm(
                performance ? Cause.PERFORMANCE : Cause.CONCEPT,
                measured.version(),
                measured.metric(),
                null,
                measured.definition(),
                measured.value(),
                measured.threshold(),
                measured.windowStartMillis(),
                measured.windowEndMillis(),
                measured.sinceMillis()));
      }
    }

    void drifted(Drifted drifted) {
      alarm(
          new Alarm(
              Cause.COVARIATE,
              drifted.version(),
              drifted.statistic(),
              drifted.feature(),
              drifted.definition(),
              drifted.value(),
              drifted.threshold(),
              drifted.windowStartMillis(),
              drifted.windowEndMillis(),
              null));
    }

    void happened(LifecycleEntry event) {
      JsonNode details = Standing.details(event);
      String requestId = Standing.text(details, "request_id");
      if (event.is(LifecycleEntry.Event.VERSION_REGISTERED)
          || event.is(LifecycleEntry.Event.VERSION_VALIDATED)) {
        Long until = trainedUntil(details);
        if (event.version() != null && until != null) {
          TreeMap<Integer, Long> next = new TreeMap<>(state.trainedUntilMillis());
          next.put(event.version(), until);
          if (next.size() > VERSIONS_MAX) {
            next.pollFirstEntry();
          }
          state = state.trainedUntil(next);
        }
      } else if (event.is(LifecycleEntry.Event.VERSION_REJECTED) && requestId != null) {
        release(requestId);
      } else if (event.is(LifecycleEntry.Event.REFUSED)) {
        // The trainer's commands carry the request's id as their key.
        String key = event.idempotencyKey();
        int end = key.indexOf('/');
        release(end < 0 ? key : key.substring(0, end));
      } else if (event.is(LifecycleEntry.Event.MODEL_PAUSED)) {
        state = state.paused(true);
      } else if (event.is(LifecycleEntry.Event.MODEL_RESUMED)) {
        state = state.paused(false);
      } else if (event.is(LifecycleEntry.Event.DEPLOYMENT_EFFECTIVE)) {
        Standing next = Standing.of(event);
        serves(next.deploymentId(), next.champion(), next.effectiveMillis());
      } else if (event.is(LifecycleEntry.Event.DEPLOYMENT_REVOKED)) {
        String id = Standing.text(details, "deployment_id");
        replaced(
            state.standing().stream()
                .filter(c -> id == null || !id.equals(c.deploymentId()))
                .toList());
      }
    }

    /** The request came to nothing: the episode may make another. */
    void release(String requestId) {
      Episode e = state.episode();
      if (e != null && requestId.equals(e.requestId())) {
        state = state.episode(with(e, e.notEnabledSaid(), null, null));
      }
    }

    private void serves(
        @Nullable String deploymentId, @Nullable Integer version, @Nullable Long sinceMillis) {
      Champion before = state.champion();
      List<Champion> next = new ArrayList<>(state.standing());
      next.removeIf(c -> c.deploymentId() != null && c.deploymentId().equals(deploymentId));
      // Shadows and canaries come and go beside a champion that has served for long.
      boolean same = before != null && Objects.equals(before.version(), version);
      next.add(
          new Champion(
              deploymentId, version, same && before != null ? before.sinceMillis() : sinceMillis));
      replaced(
          next.size() > VERSIONS_MAX
              ? next.subList(next.size() - VERSIONS_MAX, next.size())
              : next);
    }

    private void replaced(List<Champion> next) {
      Champion before = state.champion();
      state = state.standing(next);
      Champion after = state.champion();
      if (!Objects.equals(
          before == null ? null : before.version(), after == null ? null : after.version())) {
        state = state.episode(null);
      }
    }

    private void alarm(Alarm alarm) {
      List<Alarm> next = new ArrayList<>(state.alarms());
      next.removeIf(alarm::sameAs);
      long ofWindow =
          next.stream()
              .filter(
                  a ->
                      a.cause() == alarm.cause()
                          && a.version() == alarm.version()
                          && a.windowEndMillis() == alarm.windowEndMillis())
              .count();
      if (ofWindow >= ALARMS_OF_WINDOW_MAX) {
        return;
      }
      next.add(alarm);
      next.sort(
          Comparator.comparingLong(Alarm::windowEndMillis)
              .thenComparing(Alarm::cause)
              .thenComparing(Alarm::statistic)
              .thenComparing(a -> Objects.requireNonNullElse(a.feature(), "")));
      state = state.alarms(next.size() > ALARMS_MAX ? next.subList(0, ALARMS_MAX) : next);
    }

    private void count(Measured measured) {
      String of = measured.version() + "/" + measured.role();
      Long newest = state.counted().get(of);
      if (newest != null && measured.windowStartMillis() <= newest) {
        return;
      }
      TreeMap<String, Long> counted = new TreeMap<>(state.counted());
      counted.put(of, measured.windowStartMillis());
      counted
          .values()
          .removeIf(start -> start < measured.windowStartMillis() - DAYS_MAX * DAY_MILLIS);
      TreeMap<Long, Long> labels = new TreeMap<>(state.labels());
      long day = Math.floorDiv(measured.windowStartMillis(), DAY_MILLIS) * DAY_MILLIS;
      labels.merge(day, measured.labelled(), Long::sum);
      while (labels.size() > DAYS_MAX) {
        labels.pollFirstEntry();
      }
      state = state.labels(labels, counted);
    }

    // What follows.

    void decide(boolean inRollout) {
      Long now = state.time().nowMillis();
      Champion champion = state.champion();
      if (now == null) {
        return;
      }
      forget(now);
      if (champion == null || champion.version() == null) {
        return;
      }
      Episode open = state.episode();
      if (open != null && over(open, now)) {
        state = state.episode(null);
      }
      Map<Cause, List<Alarm>> causes = causes(champion, now);
      causes.entrySet().stream()
          .sorted(
              Comparator.comparingLong(
                  (Map.Entry<Cause, List<Alarm>> c) -> firstEnd(c.getValue(), now)))
          .forEach(c -> seen(c.getKey(), c.getValue(), champion.version(), now));
      schedule(champion, champion.version(), now);
      Episode episode = state.episode();
      if (episode != null) {
        notEnabled(episode, now);
        judge(inRollout, champion, now);
      }
    }

    private void forget(long now) {
      List<Alarm> kept =
          state.alarms().stream()
              .filter(
                  a ->
                      a.windowEndMillis()
                          > now
                              - Math.max(
                                  QUIET_AFTER.toMillis(),
                                  WINDOWS_JUDGED * (a.windowEndMillis() - a.windowStartMillis())))
              .toList();
      if (kept.size() < state.alarms().size()) {
        state = state.alarms(kept);
      }
      long remembered = now - Math.max(WEEK.toMillis(), policy.cooldown().toMillis());
      if (state.requests().stream().anyMatch(r -> r < remembered)) {
        state = state.requests(state.requests().stream().filter(r -> r >= remembered).toList());
      }
    }

    private boolean over(Episode episode, long now) {
      Long ready = readyMillis(episode);
      long last =
          ready == null ? episode.lastAlarmMillis() : Math.max(ready, episode.lastAlarmMillis());
      return episode.requestId() == null && now > last + QUIET_AFTER.toMillis();
    }

    /** The alarms that are a cause now. */
    private Map<Cause, List<Alarm>> causes(Champion champion, long now) {
      TreeMap<Cause, List<Alarm>> causes = new TreeMap<>();
      for (Alarm alarm : state.alarms()) {
        boolean ofChampion =
            Objects.equals(alarm.version(), champion.version())
                && (champion.sinceMillis() == null
                    || alarm.windowEndMillis() > champion.sinceMillis());
        long length = alarm.windowEndMillis() - alarm.windowStartMillis();
        if (ofChampion
            && alarm.windowEndMillis() <= now
            && (alarm.cause() != Cause.PERFORMANCE
                || alarm.windowEndMillis() > now - WINDOWS_JUDGED * length)) {
          causes.computeIfAbsent(alarm.cause(), c -> new ArrayList<>()).add(alarm);
        }
      }
      List<Alarm> performance = causes.getOrDefault(Cause.PERFORMANCE, List.of());
      if (performance.stream().map(Alarm::windowStartMillis).distinct().count()
          < ALARMED_WINDOWS_MIN) {
        causes.remove(Cause.PERFORMANCE);
      }
      return causes;
    }

    private void seen(Cause cause, List<Alarm> alarms, int champion, long now) {
      Episode e = state.episode();
      long last = alarms.stream().mapToLong(Alarm::windowEndMillis).max().orElse(now);
      if (e == null) {
        long first = firstEnd(alarms, now);
        e =
            new Episode(
                model + "/" + champion + "/" + Instant.ofEpochMilli(first),
                champion,
                first,
                List.of(),
                null,
                false,
                last,
                List.of(),
                Set.of(),
                null,
                null);
      }
      List<Cause> causes = new ArrayList<>(e.causes());
      List<Alarm> evidence = new ArrayList<>(e.evidence());
      Long change = e.changeMillis();
      boolean exact = e.changeExact();
      if (!causes.contains(cause)) {
        causes.add(cause);
        alarms.stream().limit(EVIDENCE_MAX).forEach(evidence::add);
        if (policy.on().contains(cause) && !alarms.isEmpty()) {
          Alarm first = alarms.get(0);
          Long since = first.sinceMillis();
          if (since != null && !exact) {
            change = since;
            exact = true;
          } else if (!exact && (change == null || first.windowStartMillis() < change)) {
            change = first.windowStartMillis();
          }
        }
      }
      state =
          state.episode(
              new Episode(
                  e.id(),
                  e.champion(),
                  e.alarmMillis(),
                  causes,
                  change,
                  exact,
                  Math.max(last, e.lastAlarmMillis()),
                  evidence,
                  e.notEnabledSaid(),
                  e.said(),
                  e.requestId()));
    }

    private void schedule(Champion champion, int version, long now) {
      Duration every = policy.schedule();
      Long trained = state.trainedUntilMillis().get(version);
      Long from = trained == null ? champion.sinceMillis() : trained;
      if (policy.on().contains(Cause.SCHEDULE)
          && every != null
          && from != null
          && now >= from + every.toMillis()) {
        seen(Cause.SCHEDULE, List.of(), version, now);
      }
    }

    private void notEnabled(Episode episode, long now) {
      Set<Cause> said = EnumSet.noneOf(Cause.class);
      said.addAll(episode.notEnabledSaid());
      for (Cause cause : episode.causes()) {
        if (!policy.on().contains(cause) && said.add(cause)) {
          decisions.add(
              decision(episode, List.of(cause), Suppression.CAUSE_NOT_ENABLED.name(), false, now));
        }
      }
      state = state.episode(with(episode, said, episode.said(), episode.requestId()));
    }

    private void judge(boolean inRollout, Champion champion, long now) {
      Episode episode = Objects.requireNonNull(state.episode());
      List<Cause> enabled = episode.causes().stream().filter(policy.on()::contains).toList();
      if (enabled.isEmpty() || episode.requestId() != null) {
        return;
      }
      Suppression suppression = suppression(episode, inRollout, champion, now);
      if (suppression != null) {
        if (!suppression.name().equals(episode.said())) {
          decisions.add(decision(episode, enabled, suppression.name(), false, now));
          state = state.episode(with(episode, episode.notEnabledSaid(), suppression.name(), null));
        }
        return;
      }
      RetrainDecision request = decision(episode, enabled, "", true, now);
      decisions.add(request);
      state =
          state
              .episode(with(episode, episode.notEnabledSaid(), null, request.requestId()))
              .requested(now);
    }

    private @Nullable Suppression suppression(
        Episode episode, boolean inRollout, Champion champion, long now) {
      Long ready = readyMillis(episode);
      long last = state.requests().stream().mapToLong(r -> r).max().orElse(Long.MIN_VALUE);
      long ofWeek = state.requests().stream().filter(r -> r > now - WEEK.toMillis()).count();
      if (state.paused()) {
        return Suppression.PAUSED;
      } else if (inRollout) {
        return Suppression.IN_ROLLOUT;
      } else if (ready != null && now < ready) {
        return Suppression.WAITING_FOR_LABELS;
      } else if (labels(champion) < policy.minLabels()) {
        return Suppression.TOO_FEW_LABELS;
      } else if (last != Long.MIN_VALUE && now < last + policy.cooldown().toMillis()) {
        return Suppression.COOLDOWN;
      } else if (ofWeek >= policy.maxPerWeek()) {
        return Suppression.BUDGET;
      } else if (quiet(now)) {
        return Suppression.QUIET;
      }
      return null;
    }

    private boolean quiet(long now) {
      Retraining.Quiet quiet = policy.quiet();
      if (quiet == null) {
        return false;
      }
      long minute = Math.floorMod(Math.floorDiv(now, 60_000L), (long) MINUTES_OF_DAY);
      return quiet.fromMinute() <= quiet.toMinute()
          ? minute >= quiet.fromMinute() && minute < quiet.toMinute()
          : minute >= quiet.fromMinute() || minute < quiet.toMinute();
    }

    /** Labels of the days that began after the champion's training window. */
    private long labels(Champion champion) {
      Long trained =
          champion.version() == null ? null : state.trainedUntilMillis().get(champion.version());
      Long from = trained == null ? champion.sinceMillis() : trained;
      return state.labels().entrySet().stream()
          .filter(d -> from == null || d.getKey() >= from)
          .mapToLong(Map.Entry::getValue)
          .sum();
    }

    /**
     * From the end of the first window that alarmed on, not from where the change is thought to
     * have begun: that is an estimate, and one that is too early would have a successor trained
     * before it can see the change. What alarmed has begun.
     */
    private @Nullable Long readyMillis(Episode episode) {
      OptionalLong alarmed =
          episode.evidence().stream()
              .filter(a -> policy.on().contains(a.cause()))
              .mapToLong(Alarm::windowEndMillis)
              .min();
      return alarmed.isEmpty()
          ? null
          : Long.valueOf(
              alarmed.getAsLong()
                  + recipe.validation().toMillis()
                  + recipe.holdout().toMillis()
                  + DAY_MILLIS);
    }

    private RetrainDecision decision(
        Episode episode, List<Cause> causes, String why, boolean requested, long now) {
      List<Alarm> alarms =
          episode.evidence().stream().filter(a -> causes.contains(a.cause())).toList();
      List<String> parts = new ArrayList<>(List.of(model, episode.id()));
      alarms.stream().map(Alarm::definition).distinct().sorted().forEach(parts::add);
      parts.add(String.valueOf(now));
      boolean change = causes.stream().anyMatch(policy.on()::contains);
      return new RetrainDecision(
          model,
          JoinedId.of(parts),
          episode.id(),
          requested,
          causes.get(0),
          requested ? saw(causes, alarms) : why,
          episode.champion(),
          change
              ? episode.changeMillis()
              : alarms.isEmpty() ? null : Long.valueOf(alarms.get(0).windowStartMillis()),
          alarms.isEmpty() ? null : Long.valueOf(firstEnd(alarms, now)),
          now,
          requested ? Long.valueOf(now - recipe.window().toMillis()) : null,
          requested ? Long.valueOf(now) : null,
          evidence(episode, causes, alarms));
    }

    private String saw(List<Cause> causes, List<Alarm> alarms) {
      List<String> words = new ArrayList<>();
      for (Cause cause : causes) {
        String name = cause.name().toLowerCase(Locale.ROOT);
        alarms.stream()
            .filter(a -> a.cause() == cause)
            .findFirst()
            .ifPresentOrElse(
                a -> words.add(name + ": " + says(a)),
                () -> words.add(name + ": due every " + policy.schedule()));
      }
      return String.join("; ", words);
    }

    private String evidence(Episode episode, List<Cause> causes, List<Alarm> alarms) {
      Map<String, @Nullable Object> fields = new LinkedHashMap<>();
      fields.put("causes", causes.stream().map(c -> c.name().toLowerCase(Locale.ROOT)).toList());
      List<Map<String, @Nullable Object>> seen = new ArrayList<>();
      for (Alarm a : alarms) {
        Map<String, @Nullable Object> alarm = new LinkedHashMap<>();
        alarm.put("cause", a.cause().name().toLowerCase(Locale.ROOT));
        alarm.put("statistic", a.statistic());
        if (a.feature() != null) {
          alarm.put("feature", a.feature());
        }
        alarm.put("definition", a.definition());
        alarm.put("value", a.value());
        alarm.put("threshold", a.threshold());
        alarm.put("window_start", Instant.ofEpochMilli(a.windowStartMillis()).toString());
        alarm.put("window_end", Instant.ofEpochMilli(a.windowEndMillis()).toString());
        if (a.sinceMillis() != null) {
          alarm.put("since", Instant.ofEpochMilli(a.sinceMillis()).toString());
        }
        seen.add(alarm);
      }
      fields.put("alarms", seen);
      Champion champion = state.champion();
      fields.put("labels", champion == null ? 0 : labels(champion));
      Long ready = readyMillis(episode);
      fields.put("ready_at", ready == null ? null : Instant.ofEpochMilli(ready).toString());
      try {
        return JSON.writeValueAsString(fields);
      } catch (JsonProcessingException e) {
        throw new IllegalStateException("Cannot write " + fields, e);
      }
    }
  }

  private static String says(Alarm alarm) {
    return (alarm.feature() == null ? "" : alarm.feature() + " ")
        + alarm.statistic()
        + " "
        + alarm.value()
        + " against "
        + alarm.threshold()
        + " in the window that ends at "
        + Instant.ofEpochMilli(alarm.windowEndMillis());
  }

  private static long firstEnd(List<Alarm> alarms, long otherwise) {
    return alarms.stream().mapToLong(Alarm::windowEndMillis).min().orElse(otherwise);
  }

  private static Episode with(
      Episode e, Set<Cause> notEnabledSaid, @Nullable String said, @Nullable String requestId) {
    return new Episode(
        e.id(),
        e.champion(),
        e.alarmMillis(),
        e.causes(),
        e.changeMillis(),
        e.changeExact(),
        e.lastAlarmMillis(),
        e.evidence(),
        notEnabledSaid,
        said,
        requestId);
  }

  /** The end of the training window, in milliseconds or ISO-8601, of a version. */
  private static @Nullable Long trainedUntil(JsonNode details) {
    for (String key : TRAINED_UNTIL) {
      JsonNode end = details.path(key);
      if (end.isNumber()) {
        return end.asLong();
      }
      if (end.isTextual()) {
        return parsed(end.asText());
      }
    }
    return null;
  }

  private static @Nullable Long parsed(String instant) {
    try {
      return Instant.parse(instant).toEpochMilli();
    } catch (DateTimeParseException e) {
      return null;
    }
  }
}
