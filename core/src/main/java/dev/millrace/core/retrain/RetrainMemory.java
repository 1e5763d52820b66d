package dev.millrace.core.retrain;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.core.definition.Model.Cause;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.retrain.RetrainState.Alarm;
import dev.millrace.core.retrain.RetrainState.Champion;
import dev.millrace.core.retrain.RetrainState.Episode;
import dev.millrace.core.rollout.Measured;
import dev.millrace.core.rollout.Standing;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the policy keeps of each input, and for how long: alarms, labels, champions, requests.
 * Nothing is decided here.
 */
final class RetrainMemory {

  private static final Set<String> PERFORMANCE = Set.of("log_loss", "auc", "calibration_error");
  private static final List<String> TRAINED_UNTIL = List.of("window_until", "window_end");
  private static final String CONCEPT = "page_hinkley";
  private static final String SHADOW = "SHADOW";
  private static final Set<String> SERVED = Set.of("CHAMPION", "CANARY");
  private static final Duration WEEK = Duration.ofDays(7);
  private static final long DAY_MILLIS = Duration.ofDays(1).toMillis();
  private static final int ALARMS_MAX = 2_000;
  private static final int ALARMS_OF_WINDOW_MAX = 4;
  private static final int DAYS_MAX = 400;
  private static final int VERSIONS_MAX = 64;

  /** After a performance record. */
  static RetrainState after(RetrainState state, Measured measured) {
    if (measured.segment() != null) {
      return state;
    }
    RetrainState next = state.time(state.time().after(measured.windowEndMillis()));
    boolean served = SERVED.contains(measured.role());
    if (measured.metric().equals("log_loss") && served) {
      next = counted(next, measured);
    }
    boolean performance = PERFORMANCE.contains(measured.metric()) && served;
    // Page-Hinkley goes over all events that a version answers, in whatever role.
    boolean concept = measured.metric().equals(CONCEPT) && !measured.role().equals(SHADOW);
    if (measured.alarm() && (performance || concept)) {
      return alarmed(
          next,
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
    return next;
  }

  /** After a window that drifted. */
  static RetrainState after(RetrainState state, Drifted drifted) {
    return alarmed(
        state,
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

  /** After an event of the registry. */
  static RetrainState after(RetrainState state, LifecycleEntry event) {
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
        return state.trainedUntil(next);
      }
    } else if (event.is(LifecycleEntry.Event.VERSION_REJECTED) && requestId != null) {
      return released(state, requestId);
    } else if (event.is(LifecycleEntry.Event.REFUSED)) {
      // The trainer's commands carry the request's id as their key.
      String key = event.idempotencyKey();
      int end = key.indexOf('/');
      return released(state, end < 0 ? key : key.substring(0, end));
    } else if (event.is(LifecycleEntry.Event.MODEL_PAUSED)) {
      return state.paused(true);
    } else if (event.is(LifecycleEntry.Event.MODEL_RESUMED)) {
      return state.paused(false);
    } else if (event.is(LifecycleEntry.Event.DEPLOYMENT_EFFECTIVE)) {
      Standing next = Standing.of(event);
      return serves(state, next.deploymentId(), next.champion(), next.effectiveMillis());
    } else if (event.is(LifecycleEntry.Event.DEPLOYMENT_REVOKED)) {
      String id = Standing.text(details, "deployment_id");
      return replaced(
          state,
          state.standing().stream()
              .filter(c -> id == null || !id.equals(c.deploymentId()))
              .toList());
    }
    return state;
  }

  /** The request came to nothing: the episode may make another. */
  static RetrainState released(RetrainState state, String requestId) {
    Episode e = state.episode();
    if (e != null && requestId.equals(e.requestId())) {
      return state.episode(e.saying(e.notEnabledSaid(), null, null));
    }
    return state;
  }

  /** Without alarms that no cause looks at any more, and requests that no rule counts. */
  static RetrainState forgetting(RetrainState state, Duration cooldown, long now) {
    List<Alarm> alarms = state.alarms().stream().filter(a -> counts(a, now)).toList();
    RetrainState next = alarms.size() < state.alarms().size() ? state.alarms(alarms) : state;
    long remembered = now - Math.max(WEEK.toMillis(), cooldown.toMillis());
    return next.requests().stream().anyMatch(r -> r < remembered)
        ? next.requests(next.requests().stream().filter(r -> r >= remembered).toList())
        : next;
  }

  private static boolean counts(Alarm alarm, long now) {
    long judged =
        RetrainPolicy.WINDOWS_JUDGED * (alarm.windowEndMillis() - alarm.windowStartMillis());
    return alarm.windowEndMillis() > now - Math.max(RetrainPolicy.QUIET_AFTER.toMillis(), judged);
  }

  private static RetrainState serves(
      RetrainState state,
      @Nullable String deploymentId,
      @Nullable Integer version,
      @Nullable Long sinceMillis) {
    Champion before = state.champion();
    List<Champion> next = new ArrayList<>(state.standing());
    next.removeIf(c -> c.deploymentId() != null && c.deploymentId().equals(deploymentId));
    // Shadows and canaries come and go beside a champion that has served for long.
    boolean same = before != null && Objects.equals(before.version(), version);
    next.add(
        new Champion(
            deploymentId, version, same && before != null ? before.sinceMillis() : sinceMillis));
    return replaced(
        state,
        next.size() > VERSIONS_MAX ? next.subList(next.size() - VERSIONS_MAX, next.size()) : next);
  }

  private static RetrainState replaced(RetrainState state, List<Champion> standing) {
    Champion before = state.champion();
    RetrainState next = state.standing(standing);
    Champion after = next.champion();
    boolean same =
        Objects.equals(
            before == null ? null : before.version(), after == null ? null : after.version());
    return same ? next : next.episode(null);
  }

  private static RetrainState alarmed(RetrainState state, Alarm alarm) {
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
      return state;
    }
    next.add(alarm);
    next.sort(
        Comparator.comparingLong(Alarm::windowEndMillis)
            .thenComparing(Alarm::cause)
            .thenComparing(Alarm::statistic)
            .thenComparing(a -> Objects.requireNonNullElse(a.feature(), "")));
    return state.alarms(next.size() > ALARMS_MAX ? next.subList(0, ALARMS_MAX) : next);
  }

  private static RetrainState counted(RetrainState state, Measured measured) {
    String of = measured.version() + "/" + measured.role();
    Long newest = state.counted().get(of);
    if (newest != null && measured.windowStartMillis() <= newest) {
      return state;
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
    return state.labels(labels, counted);
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

  private RetrainMemory() {}
}
