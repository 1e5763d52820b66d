package dev.millrace.core.definition;

import dev.millrace.core.expression.Expression;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.jspecify.annotations.Nullable;

/** What a model's definition says about its later life; what does not run yet is said so. */
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

  /** What runs of it. */
  record Plans(
      List<Model.Gate> gates,
      Model.Monitoring monitoring,
      Model.@Nullable Retraining retraining,
      Model.@Nullable Rollout rollout,
      List<Model.Experiment> experiments) {}

  Plans read(Section model, @Nullable Schema schema, List<Model.Input> inputs) {
    List<String> outcomes = outcomes(model);
    groups(model, schema);
    tests(model, schema, inputs);
    List<Model.Gate> gates = gates(model);
    Model.Monitoring monitoring = monitoring(model, schema);
    Model.Retraining retraining = retraining(model);
    Model.Rollout rollout = rollout(model, schema);
    List<Model.Experiment> experiments = experiments(model, schema, outcomes);
    return new Plans(gates, monitoring, retraining, rollout, experiments);
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
      Scope.SourceDraft source = scope.stream(section.required("source"));
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
      long unusedMinimum = whole(section, "minimum", 1, 1);
      close(section);
    }
  }

  /** In a test an input stands for itself, before a field of the same name. */
  private void tests(Section model, @Nullable Schema schema, List<Model.Input> inputs) {
    Names names = new Names();
    Map<String, Expression.Type> variables = new HashMap<>();
    inputs.forEach(i -> variables.put(i.name(), typeOf(i.kind())));
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

  private static Expression.Type typeOf(Model.Input.Kind kind) {
    return switch (kind) {
      case NUMBER -> Expression.Type.DOUBLE;
      case VECTOR -> Expression.Type.VECTOR;
      case TEXT -> Expression.Type.STRING;
    };
  }

  private void change(
      String name, Value value, @Nullable Schema schema, Map<String, Expression.Type> variables) {
    Expression.Type input = variables.get(name);
    if (input == null && schema != null && schema.getField(name) == null) {
      value.mistake(
          "there is no input or field " + name,
          Value.suggestion(name, new ArrayList<>(variables.keySet()), "inputs are "));
    }
    scope.expression(value, schema, input == null ? Expression.Type.ANY : input, variables);
  }

  private List<Model.Gate> gates(Section model) {
    Names names = new Names();
    List<Model.Gate> gates = new ArrayList<>();
    for (Section section : model.sections("gates")) {
      String name = newName(section, names, "gate");
      Value check = section.required("check");
      String text = check == null ? null : check.text();
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
      if (name != null && text != null) {
        gates.add(new Model.Gate(name, text));
      }
    }
    return gates;
  }

  private Model.Monitoring monitoring(Section model, @Nullable Schema schema) {
    Value monitoring = model.take("monitoring");
    Section section = monitoring == null ? null : monitoring.section();
    if (monitoring == null || section == null) {
      return Model.Monitoring.DEFAULT;
    }
    Model.Monitoring otherwise = Model.Monitoring.DEFAULT;
    Duration window = section.positiveDuration("window", otherwise.window());
    Duration season = section.positiveDuration("season", otherwise.season());
    if (window.compareTo(WAIT) > 0 || WAIT.toMillis() % window.toMillis() != 0) {
      Value value = section.take("window");
      (value == null ? monitoring : value)
          .mistake("a day is not a whole number of windows", "write one such as 1h, 6h or 1d");
    }
    Value segments = section.take("segments");
    List<String> fields = new ArrayList<>();
    for (Value segment : segments == null ? List.<Value>of() : segments.list()) {
      scope.field(segment, new Scope.SourceDraft("of the model", schema, null));
      String field = segment.text();
      if (field != null) {
        fields.add(field);
      }
    }
    Value alarms = section.take("false-alarms");
    String rate = alarms == null ? null : alarms.rate();
    double count = otherwise.falseAlarms();
    Duration per = otherwise.falseAlarmsPer();
    if (rate != null) {
      count = Double.parseDouble(rate.substring(0, rate.indexOf(' ')));
      Duration parsed = Durations.parse(rate.substring(rate.lastIndexOf(' ') + 1));
      per = parsed == null ? per : parsed;
    }
    close(section);
    return new Model.Monitoring(window, season, fields, count, per);
  }

  private static Model.@Nullable Retraining retraining(Section model) {
    Value retraining = model.take("retraining");
    Section section = retraining == null ? null : retraining.section();
    if (section == null) {
      return null;
    }
    Value on = section.required("on");
    Set<Model.Cause> causes = new LinkedHashSet<>();
    for (Value element : on == null ? List.<Value>of() : on.list()) {
      Model.Cause cause = element.choice(Model.Cause.class);
      if (cause != null) {
        causes.add(cause);
      }
    }
    Duration schedule = section.positiveDuration("schedule", HOUR);
    boolean scheduled = section.take("schedule") != null;
    if (causes.contains(Model.Cause.SCHEDULE) && !scheduled) {
      section.required("schedule");
    }
    Duration cooldown = section.duration("cooldown", Duration.ZERO);
    long perWeek = whole(section, "max-per-week", 1, Integer.MAX_VALUE);
    long minLabels = whole(section, "min-labels", 0, 0);
    Value quietValue = section.take("quiet");
    String quiet =
        quietValue == null
            ? null
            : quietValue.matching(
                QUIET, "span of hours", "write one such as \"22:00-06:00\", in UTC");
    close(section);
    return new Model.Retraining(
        causes,
        scheduled ? schedule : null,
        cooldown,
        (int) perWeek,
        minLabels,
        quiet == null ? null : quiet(quiet));
  }

  private static Model.Retraining.@Nullable Quiet quiet(String text) {
    if (!QUIET.matcher(text).matches()) {
      return null;
    }
    return new Model.Retraining.Quiet(minute(text, 0), minute(text, 6));
  }

  private static int minute(String text, int from) {
    return Integer.parseInt(text.substring(from, from + 2)) * 60
        + Integer.parseInt(text.substring(from + 3, from + 5));
  }

  private Model.@Nullable Rollout rollout(Section model, @Nullable Schema schema) {
    Value rollout = model.take("rollout");
    Section section = rollout == null ? null : rollout.section();
    if (rollout == null || section == null) {
      return null;
    }
    String unit = unit(section, schema);
    Value hypothesisValue = section.take("hypothesis");
    Model.Hypothesis hypothesis =
        section.choice(Model.Hypothesis.class, "hypothesis", Model.Hypothesis.SUPERIOR);
    Value marginValue = section.take("margin");
    Double margin = marginValue == null ? null : marginValue.number(0, 1);
    if (marginValue == null
        && hypothesisValue != null
        && hypothesis == Model.Hypothesis.NON_INFERIOR) {
      section.required("margin");
    }
    Duration block = section.positiveDuration("block", WAIT);
    Duration shadow = section.duration("shadow", Duration.ZERO);
    Duration step = section.duration("step", Duration.ZERO);
    Duration probation = section.duration("probation", Duration.ZERO);
    Value canary = section.take("canary");
    List<Integer> shares = new ArrayList<>();
    long before = 0;
    for (Value share : canary == null ? List.<Value>of() : canary.list()) {
      Long percent = share.whole(1, 100);
      if (percent != null && percent <= before) {
        share.mistake("is not larger than the share before it", "let the shares grow");
      }
      before = percent == null ? before : percent;
      if (percent != null) {
        shares.add(percent.intValue());
      }
    }
    Value approvalValue = section.take("approval");
    String approval = approvalValue == null ? null : approvalValue.name();
    if (approvalValue != null && approval != null && !approval.equals("none")) {
      approvalValue.unbuilt("an approval by a person");
    }
    close(section);
    List<String> fields = unit == null ? null : unitFields(rollout, unit, schema);
    if (unit == null || fields == null) {
      return null;
    }
    return new Model.Rollout(
        unit,
        fields,
        hypothesis,
        margin == null ? 0 : margin,
        block,
        shadow,
        shares,
        step,
        probation,
        approval == null || approval.equals("none") ? null : approval);
  }

  /** The fields of the model's source that a unit stands for; null where they are not known. */
  private @Nullable List<String> unitFields(Value where, String unit, @Nullable Schema schema) {
    Scope.EntityDraft draft = scope.entityNamed(unit);
    Entity entity = draft == null ? null : draft.entity();
    if (schema == null || (draft != null && entity == null)) {
      return null;
    }
    if (entity == null) {
      // That it is none has been said.
      return schema.getField(unit) == null ? null : List.of(unit);
    }
    List<String> fields = entity.keys();
    for (String field : fields) {
      if (schema.getField(field) == null) {
        where.mistake(
            "the model's source has no field " + field + ", a key of entity " + unit,
            "name a field of the source as unit");
      }
    }
    return fields;
  }

  /** What assigns units runs, what judges the arms does not. */
  private List<Model.Experiment> experiments(
      Section model, @Nullable Schema schema, List<String> outcomes) {
    Names names = new Names();
    List<Model.Experiment> experiments = new ArrayList<>();
    Value value = model.take("experiments");
    int number = 0;
    for (Value one : value == null ? List.<Value>of() : value.list()) {
      if (number++ > 0) {
        // A prediction has room for one.
        one.unbuilt("a second experiment of a model");
      }
      Section section = one.section();
      if (section == null) {
        continue;
      }
      String name = newName(section, names, "experiment");
      String unit = unit(section, schema);
      Map<String, Integer> arms = arms(section.required("arms"));
      judgement(section, outcomes);
      close(section);
      List<String> fields = unit == null ? null : unitFields(one, unit, schema);
      if (name != null && unit != null && fields != null && !arms.isEmpty()) {
        experiments.add(new Model.Experiment(name, unit, fields, arms));
      }
    }
    return experiments;
  }

  private static void judgement(Section section, List<String> outcomes) {
    Value outcome = section.take("outcome");
    String outcomeName = outcome == null ? null : outcome.text();
    if (outcome != null && outcomeName != null) {
      outcome.unbuilt("an experiment's outcome");
      if (!outcomes.contains(outcomeName)) {
        outcome.mistake(
            "there is no outcome " + outcomeName,
            Value.suggestion(outcomeName, outcomes, "known are "));
      }
    }
    Value test = section.take("test");
    if (test != null) {
      test.unbuilt("an experiment's test");
      String unused = test.choice(List.of("z", "sequential", "bandit"));
      if (outcome == null) {
        section.required("outcome");
      }
    }
    Value duration = section.take("duration");
    if (duration != null) {
      duration.unbuilt("an experiment's duration");
      Duration unused = duration.duration();
    }
  }

  /** The arms and their shares; none where they are not sound. */
  private static Map<String, Integer> arms(@Nullable Value arms) {
    Map<String, Value> entries = arms == null ? null : arms.entries();
    if (arms == null || entries == null) {
      return Map.of();
    }
    Map<String, Integer> shares = new LinkedHashMap<>();
    long sum = 0;
    for (Map.Entry<String, Value> share : entries.entrySet()) {
      Long percent = share.getValue().whole(0, 100);
      if (percent != null) {
        shares.put(share.getKey(), percent.intValue());
        sum += percent;
      }
    }
    if (shares.size() < entries.size()) {
      return Map.of();
    }
    if (sum != 100) {
      arms.mistake("the shares add up to " + sum, "let them add up to 100");
      return Map.of();
    }
    return shares;
  }

  /** An entity, or a field of the model's source. */
  private @Nullable String unit(Section section, @Nullable Schema schema) {
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
    return unit;
  }

  private static long whole(Section section, String key, long least, long otherwise) {
    Value value = section.take(key);
    Long read = value == null ? null : value.whole(least, 1_000_000_000L);
    return read == null ? otherwise : read;
  }
}
