package dev.millrace.core.retrain;

import dev.millrace.core.definition.Model.Cause;
import dev.millrace.core.definition.Model.Retraining;
import dev.millrace.core.retrain.RetrainPolicy.Spans;
import dev.millrace.core.retrain.RetrainState.Alarm;
import dev.millrace.core.retrain.RetrainState.Champion;
import dev.millrace.core.retrain.RetrainState.Episode;
import dev.millrace.core.rollout.JoinedId;
import dev.millrace.core.rollout.JsonFields;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A decision as it is written: its id, its windows, and what was seen, in words and as JSON. */
final class DecisionWriting {

  private final String model;
  private final Retraining policy;
  private final Spans recipe;
  private final Episodes episodes;

  DecisionWriting(String model, Retraining policy, Spans recipe, Episodes episodes) {
    this.model = model;
    this.policy = policy;
    this.recipe = recipe;
    this.episodes = episodes;
  }

  RetrainDecision decision(
      RetrainState state,
      Episode episode,
      List<Cause> causes,
      String why,
      boolean requested,
      long now) {
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
        alarms.isEmpty() ? null : Long.valueOf(Alarm.firstEnd(alarms, now)),
        now,
        requested ? Long.valueOf(now - recipe.window().toMillis()) : null,
        requested ? Long.valueOf(now) : null,
        evidence(state, episode, causes, alarms));
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

  private String evidence(
      RetrainState state, Episode episode, List<Cause> causes, List<Alarm> alarms) {
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
    fields.put("labels", champion == null ? 0 : state.labelsSince(champion));
    Long ready = episodes.readyMillis(episode);
    fields.put("ready_at", ready == null ? null : Instant.ofEpochMilli(ready).toString());
    return JsonFields.of(fields);
  }
}
