package dev.millrace.core.retrain;

import dev.millrace.core.definition.Model.Cause;
import dev.millrace.core.rollout.MatureTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * All that the policy knows of a model. Bounded: alarms of some days and at most a fixed number,
 * labels by day, requests of one week or cooldown, the newest versions.
 *
 * @param standing who was champion from when, the newest last
 * @param trainedUntilMillis end of the training window of each version whose registration said it
 * @param labels mature labels by the day (its first millisecond, UTC) of the scored event
 * @param counted by version and role: start of the newest window whose labels are counted
 * @param requests when each request was made
 * @param paused whether nothing is to happen by itself
 */
public record RetrainState(
    MatureTime time,
    List<Champion> standing,
    Map<Integer, Long> trainedUntilMillis,
    List<Alarm> alarms,
    Map<Long, Long> labels,
    Map<String, Long> counted,
    @Nullable Episode episode,
    List<Long> requests,
    boolean paused) {

  public static final RetrainState EMPTY =
      new RetrainState(
          MatureTime.UNKNOWN,
          List.of(),
          Map.of(),
          List.of(),
          Map.of(),
          Map.of(),
          null,
          List.of(),
          false);

  public RetrainState {
    standing = List.copyOf(standing);
    trainedUntilMillis = sorted(trainedUntilMillis);
    alarms = List.copyOf(alarms);
    labels = sorted(labels);
    counted = sorted(counted);
    requests = List.copyOf(requests);
  }

  /**
   * Who serves.
   *
   * @param sinceMillis event time from which; null: since nobody served
   */
  public record Champion(
      @Nullable String deploymentId, @Nullable Integer version, @Nullable Long sinceMillis) {}

  /** One window in which one statistic alarmed. */
  public record Alarm(
      Cause cause,
      int version,
      String statistic,
      @Nullable String feature,
      String definition,
      @Nullable Double value,
      @Nullable Double threshold,
      long windowStartMillis,
      long windowEndMillis,
      @Nullable Long sinceMillis) {

    boolean sameAs(Alarm other) {
      return version == other.version
          && windowStartMillis == other.windowStartMillis
          && windowEndMillis == other.windowEndMillis
          && statistic.equals(other.statistic)
          && Objects.equals(feature, other.feature);
    }

    /** The end of the window that alarmed first. */
    static long firstEnd(List<Alarm> alarms, long otherwise) {
      return alarms.stream().mapToLong(Alarm::windowEndMillis).min().orElse(otherwise);
    }
  }

  /**
   * What began with an alarm and ends with a new champion, or when nothing alarms any more.
   *
   * @param champion that is to be succeeded
   * @param alarmMillis end of the window that alarmed first; for a schedule when it fell due
   * @param causes in the order in which they came
   * @param changeMillis where the change is thought to have begun; null for a schedule
   * @param changeExact whether a change detector said so
   * @param lastAlarmMillis end of the newest window that alarmed
   * @param evidence the alarms by which the causes came
   * @param said the last suppression that was written, and causes that are not enabled
   * @param requestId of the request that was made
   */
  public record Episode(
      String id,
      int champion,
      long alarmMillis,
      List<Cause> causes,
      @Nullable Long changeMillis,
      boolean changeExact,
      long lastAlarmMillis,
      List<Alarm> evidence,
      Set<Cause> notEnabledSaid,
      @Nullable String said,
      @Nullable String requestId) {
    public Episode {
      causes = List.copyOf(causes);
      evidence = List.copyOf(evidence);
      notEnabledSaid = Collections.unmodifiableSet(new TreeSet<>(notEnabledSaid));
    }

    /** With another account of what was said and asked. */
    Episode saying(Set<Cause> notEnabled, @Nullable String suppression, @Nullable String request) {
      return new Episode(
          id,
          champion,
          alarmMillis,
          causes,
          changeMillis,
          changeExact,
          lastAlarmMillis,
          evidence,
          notEnabled,
          suppression,
          request);
    }
  }

  RetrainState time(MatureTime next) {
    return new RetrainState(
        next, standing, trainedUntilMillis, alarms, labels, counted, episode, requests, paused);
  }

  RetrainState standing(List<Champion> next) {
    return new RetrainState(
        time, next, trainedUntilMillis, alarms, labels, counted, episode, requests, paused);
  }

  RetrainState trainedUntil(Map<Integer, Long> next) {
    return new RetrainState(
        time, standing, next, alarms, labels, counted, episode, requests, paused);
  }

  RetrainState alarms(List<Alarm> next) {
    return new RetrainState(
        time, standing, trainedUntilMillis, next, labels, counted, episode, requests, paused);
  }

  RetrainState labels(Map<Long, Long> next, Map<String, Long> nextCounted) {
    return new RetrainState(
        time, standing, trainedUntilMillis, alarms, next, nextCounted, episode, requests, paused);
  }

  RetrainState episode(@Nullable Episode next) {
    return new RetrainState(
        time, standing, trainedUntilMillis, alarms, labels, counted, next, requests, paused);
  }

  RetrainState requested(long atMillis) {
    List<Long> next = new ArrayList<>(requests);
    next.add(atMillis);
    return new RetrainState(
        time, standing, trainedUntilMillis, alarms, labels, counted, episode, next, paused);
  }

  RetrainState requests(List<Long> next) {
    return new RetrainState(
        time, standing, trainedUntilMillis, alarms, labels, counted, episode, next, paused);
  }

  RetrainState paused(boolean next) {
    return new RetrainState(
        time, standing, trainedUntilMillis, alarms, labels, counted, episode, requests, next);
  }

  @Nullable Champion champion() {
    return standing.isEmpty() ? null : standing.get(standing.size() - 1);
  }

  /** The end of a champion's training window, or else since when it serves. */
  @Nullable Long learntUntilMillis(Champion champion) {
    Integer version = champion.version();
    Long trained = version == null ? null : trainedUntilMillis.get(version);
    return trained == null ? champion.sinceMillis() : trained;
  }

  /** Labels of the days that began after a champion's training window. */
  long labelsSince(Champion champion) {
    Long from = learntUntilMillis(champion);
    return labels.entrySet().stream()
        .filter(d -> from == null || d.getKey() >= from)
        .mapToLong(Map.Entry::getValue)
        .sum();
  }

  private static <K extends Comparable<K>, V> Map<K, V> sorted(Map<K, V> map) {
    return Collections.unmodifiableMap(new TreeMap<>(map));
  }
}
