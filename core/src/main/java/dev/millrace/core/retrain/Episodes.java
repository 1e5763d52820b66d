package dev.millrace.core.retrain;

import dev.millrace.core.definition.Model.Cause;
import dev.millrace.core.definition.Model.Retraining;
import dev.millrace.core.retrain.RetrainPolicy.Spans;
import dev.millrace.core.retrain.RetrainState.Alarm;
import dev.millrace.core.retrain.RetrainState.Champion;
import dev.millrace.core.retrain.RetrainState.Episode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Which alarms are a cause, and the episode that begins with the first cause. */
final class Episodes {

  private static final int EVIDENCE_MAX = 16;
  private static final long DAY_MILLIS = Duration.ofDays(1).toMillis();

  private final String model;
  private final Retraining policy;
  private final Spans recipe;

  Episodes(String model, Retraining policy, Spans recipe) {
    this.model = model;
    this.policy = policy;
    this.recipe = recipe;
  }

  /** The episode that is open now; null: nothing is a cause. */
  @Nullable Episode at(RetrainState state, Champion champion, int version, long now) {
    Episode open = state.episode();
    Episode episode = open == null || over(open, now) ? null : open;
    List<Map.Entry<Cause, List<Alarm>>> causes =
        new ArrayList<>(causes(state, champion, now).entrySet());
    causes.sort(Comparator.comparingLong(c -> Alarm.firstEnd(c.getValue(), now)));
    for (Map.Entry<Cause, List<Alarm>> cause : causes) {
      episode = seen(episode, cause.getKey(), cause.getValue(), version, now);
    }
    return due(state, champion, now)
        ? seen(episode, Cause.SCHEDULE, List.of(), version, now)
        : episode;
  }

  /**
   * When labels suffice for a successor; null: nothing is waited for. Counted from the end of the
   * first window that alarmed on, not from where the change is thought to have begun: that is an
   * estimate, and one that is too early would have a successor trained before it can see the
   * change. What alarmed has begun.
   */
  @Nullable Long readyMillis(Episode episode) {
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

  private boolean over(Episode episode, long now) {
    Long ready = readyMillis(episode);
    long last =
        ready == null ? episode.lastAlarmMillis() : Math.max(ready, episode.lastAlarmMillis());
    return episode.requestId() == null && now > last + RetrainPolicy.QUIET_AFTER.toMillis();
  }

  /** The alarms that are a cause now. */
  private static Map<Cause, List<Alarm>> causes(RetrainState state, Champion champion, long now) {
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
              || alarm.windowEndMillis() > now - RetrainPolicy.WINDOWS_JUDGED * length)) {
        causes.computeIfAbsent(alarm.cause(), c -> new ArrayList<>()).add(alarm);
      }
    }
    List<Alarm> performance = causes.getOrDefault(Cause.PERFORMANCE, List.of());
    if (performance.stream().map(Alarm::windowStartMillis).distinct().count()
        < RetrainPolicy.ALARMED_WINDOWS_MIN) {
      causes.remove(Cause.PERFORMANCE);
    }
    return causes;
  }

  /** Whether the schedule says so. */
  private boolean due(RetrainState state, Champion champion, long now) {
    Duration every = policy.schedule();
    Long from = state.learntUntilMillis(champion);
    return policy.on().contains(Cause.SCHEDULE)
        && every != null
        && from != null
        && now >= from + every.toMillis();
  }

  /** An episode, opened where there is none, with a cause that holds now. */
  private Episode seen(
      @Nullable Episode open, Cause cause, List<Alarm> alarms, int champion, long now) {
    Episode e = open;
    long last = alarms.stream().mapToLong(Alarm::windowEndMillis).max().orElse(now);
    if (e == null) {
      long first = Alarm.firstEnd(alarms, now);
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
    return new Episode(
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
        e.requestId());
  }
}
