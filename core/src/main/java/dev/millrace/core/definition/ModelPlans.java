package dev.millrace.core.definition;

import dev.millrace.core.expression.Expression;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.jspecify.annotations.Nullable;

/**
 * What a model's definition says about its later life: all of it is checked, none of it runs yet.
 */
final class ModelPlans {

  private static final Schema NO_FIELDS = SchemaBuilder.record("none").fields().endRecord();
  private static final Duration WAIT = Duration.ofDays(1);
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Pattern QUIET =
      Pattern.compile("([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]");

  private final Scope scope;

  ModelPlans(Scope scope) {
    this.scope = scope;
  }

  void read(Section model, @Nullable Schema schema, List<Model.Input> inputs) {
    List<String> outcomes = outcomes(model);
    groups(model, schema);
    tests(model, schema, inputs);
    gates(model);
    monitoring(model, schema);
    retraining(model);
    rollout(model, schema);
    experiments(model, schema, outcomes);
  }

  private static @Nullable Section unbuilt(Section model, String key) {
    Value value = model.take(key);
    if (value == null) {
      return null;
    }
    value.unbuilt("key " + key);
    return value.section();
  }

  private static List<Section> unbuiltList(Section model, String key) {
    Value value = model.take(key);
    if (value == null) {
      return List.of();
    }
    value.unbuilt("key " + key);
    return value.sections();
  }

  private static void close(Section section) {
    section.forPeople();
    section.close();
  }

  private static @Nullable String newName(Section section, Names names, String what) {
    Value value = section.required("name");
    String name = value == null ? null : value.name();
    if (value != null && name != null) {
      names.claim(what, name, what, value);
    }
    return name;
  }

  private List<String> outcomes(Section model) {
    List<String> known = new ArrayList<>();
    Names names = new Names();
    for (Section section : unbuiltList(model, "outcomes")) {
      String name = newName(section, names, "outcome");
      if (name != null) {
        known.add(name);
      }
      Scope.SourceDraft source = scope.source(section.required("source"));
      String unusedOn = scope.eventIdField(section.required("on"), source, null);
      Value value = section.required("value");
      if (value != null && source != null) {
        scope.expression(value, source.schema(), Expression.Type.DOUBLE, Map.of());
      }
      Duration unused = section.positiveDuration("wait", WAIT);
      close(section);
    }
    return known;
  }

  private void groups(Section model, @Nullable Schema schema) {
    Names names = new Names();
    for (Section section : unbuiltList(model, "groups")) {
      String unusedName = newName(section, names, "group");
      Value by = section.required("by");
      if (by != null) {
        scope.expression(by, schema, Expression.Type.ANY, Map.of());
      }
      whole(section, "minimum", 1);
      close(section);
    }
  }

  /** In a test an input stands for itself, before a field of the same name. */
  private void tests(Section model, @Nullable Schema schema, List<Model.Input> inputs) {
    Names names = new Names();
    Map<String, Expression.Type> variables = new HashMap<>();
    inputs.forEach(i -> variables.put(i.name(), Expression.Type.DOUBLE));
    Map<String, Expression.Type> expected = new HashMap<>(variables);
    expected.put("before", Expression.Type.DOUBLE);
    expected.put("after", Expression.Type.DOUBLE);
    for (Section section : unbuiltList(model, "tests")) {
      String unusedName = newName(section, names, "test");
      Value kindValue = section.required("kind");
      String kind =
          kindValue == null
              ? null
              : kindValue.choice(List.of("minimum", "invariance", "direction"));
      Value change = section.take("change");
      if (change == null && kind != null && !kind.equals("minimum")) {
        section.required("change");
      }
      Map<String, Value> changes = change == null ? null : change.entries();
      if (changes != null) {
        changes.forEach((name, value) -> change(name, value, schema, variables));
      }
      Value expect = section.required("expect");
      if (expect != null) {
        scope.expression(expect, schema, Expression.Type.BOOLEAN, expected);
      }
      close(section);
    }
  }

  private void change(
      String name, Value value, @Nullable Schema schema, Map<String, Expression.Type> variables) {
    boolean input = variables.containsKey(name);
    if (!input && schema != null && schema.getField(name) == null) {
      value.mistake(
          "there is no input or field " + name,
          Value.suggestion(name, new ArrayList<>(variables.keySet()), "inputs are "));
    }
    scope.expression(
        value, schema, input ? Expression.Type.DOUBLE : Expression.Type.ANY, variables);
  }

  private void gates(Section model) {
    Names names = new Names();
    for (Section section : unbuiltList(model, "gates")) {
      String unusedName = newName(section, names, "gate");
      Value check = section.required("check");
      if (check != null) {
        scope.expression(
            check,
            NO_FIELDS,
            Expression.Type.BOOLEAN,
            Map.of(
                "metrics", Expression.Type.ANY,
                "delta", Expression.Type.ANY,
                "tests", Expression.Type.ANY));
      }
      close(section);
    }
  }

  private void monitoring(Section model, @Nullable Schema schema) {
    Section section = unbuilt(model, "monitoring");
    if (section == null) {
      return;
    }
    Duration unusedWindow = section.positiveDuration("window", HOUR);
    Duration unusedSeason = section.positiveDuration("season", Duration.ofDays(7));
    Value segments = section.take("segments");
    for (Value segment : segments == null ? List.<Value>of() : segments.list()) {
      scope.field(segment, new Scope.SourceDraft("of the model", schema, null));
    }
    Value alarms = section.take("false-alarms");
    if (alarms != null) {
      String unused = alarms.rate();
    }
    close(section);
  }

  private static void retraining(Section model) {
    Section section = unbuilt(model, "retraining");
    if (section == null) {
      return;
    }
    Value on = section.required("on");
    boolean schedule = false;
    for (Value element : on == null ? List.<Value>of() : on.list()) {
      String cause = element.choice(List.of("performance", "concept", "covariate", "schedule"));
      schedule |= "schedule".equals(cause);
    }
    Duration unusedSchedule = section.positiveDuration("schedule", HOUR);
    if (schedule && section.take("schedule") == null) {
      section.required("schedule");
    }
    Duration unusedCooldown = section.duration("cooldown", Duration.ZERO);
    whole(section, "max-per-week", 1);
    whole(section, "min-labels", 0);
    Value quiet = section.take("quiet");
    if (quiet != null) {
      String unused =
          quiet.matching(QUIET, "span of hours", "write one such as \"22:00-06:00\", in UTC");
    }
    close(section);
  }

  private void rollout(Section model, @Nullable Schema schema) {
    Section section = unbuilt(model, "rollout");
    if (section == null) {
      return;
    }
    unit(section, schema);
    Value hypothesis = section.take("hypothesis");
    String kind =
        hypothesis == null ? "superior" : hypothesis.choice(List.of("non-inferior", "superior"));
    Value margin = section.take("margin");
    if (margin != null) {
      Double unused = margin.number(0, 1);
    } else if ("non-inferior".equals(kind)) {
      section.required("margin");
    }
    for (String key : List.of("block", "shadow", "step", "probation")) {
      Duration unused = section.duration(key, HOUR);
    }
    Value canary = section.take("canary");
    long before = 0;
    for (Value share : canary == null ? List.<Value>of() : canary.list()) {
      Long percent = share.whole(1, 100);
      if (percent != null && percent <= before) {
        share.mistake("is not larger than the share before it", "let the shares grow");
      }
      before = percent == null ? before : percent;
    }
    Value approval = section.take("approval");
    if (approval != null) {
      String unused = approval.name();
    }
    close(section);
  }

  private void experiments(Section model, @Nullable Schema schema, List<String> outcomes) {
    Names names = new Names();
    for (Section section : unbuiltList(model, "experiments")) {
      String unusedName = newName(section, names, "experiment");
      unit(section, schema);
      arms(section.required("arms"));
      Value outcome = section.required("outcome");
      String outcomeName = outcome == null ? null : outcome.text();
      if (outcome != null && outcomeName != null && !outcomes.contains(outcomeName)) {
        outcome.mistake(
            "there is no outcome " + outcomeName,
            Value.suggestion(outcomeName, outcomes, "known are "));
      }
      Value test = section.take("test");
      if (test != null) {
        String unused = test.choice(List.of("z", "sequential", "bandit"));
      }
      Duration unused = section.positiveDuration("duration", HOUR);
      close(section);
    }
  }

  private static void arms(@Nullable Value arms) {
    Map<String, Value> entries = arms == null ? null : arms.entries();
    if (arms == null || entries == null) {
      return;
    }
    long sum = 0;
    boolean sound = true;
    for (Value share : entries.values()) {
      Long percent = share.whole(0, 100);
      sound &= percent != null;
      sum += percent == null ? 0 : percent;
    }
    if (sound && sum != 100) {
      arms.mistake("the shares add up to " + sum, "let them add up to 100");
    }
  }

  /** An entity, or a field of the model's source. */
  private void unit(Section section, @Nullable Schema schema) {
    Value value = section.required("unit");
    String unit = value == null ? null : value.text();
    if (value != null
        && unit != null
        && schema != null
        && scope.entityNamed(unit) == null
        && schema.getField(unit) == null) {
      List<String> known = new ArrayList<>(scope.entities().stream().map(Entity::name).toList());
      schema.getFields().forEach(f -> known.add(f.name()));
      value.mistake(
          "there is no entity or field " + unit, Value.suggestion(unit, known, "known are "));
    }
  }

  private static void whole(Section section, String key, long least) {
    Value value = section.take(key);
    if (value != null) {
      Long unused = value.whole(least, 1_000_000_000L);
    }
  }
}
