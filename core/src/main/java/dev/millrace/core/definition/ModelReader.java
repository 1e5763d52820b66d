package dev.millrace.core.definition;

import dev.millrace.core.expression.Expression;
import dev.millrace.core.model.TextInput;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/** Reads {@code models}. */
final class ModelReader {

  private static final Duration FEATURE_WAIT = Duration.ofMillis(50);
  private static final Duration LABEL_WAIT = Duration.ofDays(1);
  private static final int MAX_ROWS = 256;
  private static final Duration MAX_DELAY = Duration.ofMillis(2);
  private static final Pattern DECISION = Pattern.compile("[A-Za-z][A-Za-z0-9_]{0,99}");
  private static final String XGBOOST = "xgboost";

  private final Scope scope;
  private final ModelPlans plans;
  private final List<Model> models = new ArrayList<>();
  private final Set<String> labelSources = new HashSet<>();

  ModelReader(Scope scope) {
    this.scope = scope;
    this.plans = new ModelPlans(scope);
  }

  List<Model> models() {
    return models;
  }

  /** The sources that labels come from. */
  Set<String> labelSources() {
    return labelSources;
  }

  void read(Section section) {
    String name = scope.newName(section, "model");
    section.forPeople();
    Scope.SourceDraft source = scope.stream(section.required("source"));
    Schema schema = source == null ? null : source.schema();
    Model.FeatureReads reads =
        section.choice(Model.FeatureReads.class, "features", Model.FeatureReads.ONLINE);
    Map<String, Value> keys = scope.keys(section, null, source);
    List<Model.Input> inputs = new InputReader(scope, source, keys, reads).read(section);
    Value readsValue = section.take("features");
    if (readsValue != null && reads == Model.FeatureReads.AS_OF && source != null) {
      asOf(readsValue, source.name(), inputs);
    }
    Missing missing = missing(section, inputs);
    Duration featureWait = section.duration("max-feature-wait", FEATURE_WAIT);
    Model.Execution execution = execution(section);
    List<Model.Decision> decisions = decisions(section, schema);
    Value fallbackValue = section.take("fallback");
    String fallback = fallbackValue == null ? null : fallbackValue.text();
    if (fallbackValue != null) {
      scope.expression(fallbackValue, schema, Expression.Type.DOUBLE, Map.of());
    }
    Model.Delivery delivery =
        section.choice(Model.Delivery.class, "delivery", Model.Delivery.AT_LEAST_ONCE);
    Model.Label label = label(section, source, decisions);
    Model.Training training = training(section, inputs);
    ModelPlans.Plans later = plans.read(section, schema, inputs);
    section.close();
    if (name == null || source == null) {
      return;
    }
    models.add(
        new Model(
            name,
            source.name(),
            reads,
            inputs,
            missing.otherwise(),
            missing.numbers(),
            missing.texts(),
            featureWait,
            execution,
            decisions,
            fallback,
            delivery,
            label,
            training,
            later.gates(),
            later.monitoring(),
            later.retraining(),
            later.rollout(),
            later.experiments()));
  }

  /**
   * A row of another source's view, or of a view that leaves events out, has no event of this
   * source that says when it is complete.
   */
  private void asOf(Value reads, String source, List<Model.Input> inputs) {
    Set<String> named = new LinkedHashSet<>();
    for (Model.Input input : inputs) {
      if (input instanceof Model.Input.OfView ofView) {
        named.add(ofView.view());
      }
    }
    for (FeatureView view : scope.views()) {
      if (named.contains(view.name()) && !view.source().equals(source)) {
        reads.unbuilt("as-of with view " + view.name() + ", which is on another source,");
      } else if (named.contains(view.name()) && view.filter() != null) {
        reads.unbuilt("as-of with view " + view.name() + ", which has a filter,");
      }
    }
  }

  /** What stands for missing inputs: for those that are not named, and by name. */
  private record Missing(double otherwise, Map<String, Double> numbers, Map<String, String> texts) {
    static Missing by(double otherwise) {
      return new Missing(otherwise, Map.of(), Map.of());
    }
  }

  /** {@code nan}, a number, or a mapping of them by input; of an input that is a text, a text. */
  private static Missing missing(Section section, List<Model.Input> inputs) {
    Value value = section.take("missing");
    if (value == null) {
      return Missing.by(Double.NaN);
    }
    if (!value.isMapping()) {
      return Missing.by(numberOrNan(value));
    }
    double otherwise = Double.NaN;
    Map<String, Value> entries = value.entries();
    if (entries == null) {
      return Missing.by(otherwise);
    }
    Map<String, Model.Input.Kind> kinds = new LinkedHashMap<>();
    inputs.forEach(input -> kinds.put(input.name(), input.kind()));
    Map<String, Double> numbers = new HashMap<>();
    Map<String, String> texts = new HashMap<>();
    for (Map.Entry<String, Value> entry : entries.entrySet()) {
      String name = entry.getKey();
      Model.Input.Kind kind = kinds.get(name);
      if (name.equals("default")) {
        otherwise = numberOrNan(entry.getValue());
      } else if (kind == null) {
        List<String> known = new ArrayList<>(kinds.keySet());
        known.add("default");
        entry
            .getValue()
            .mistake("there is no input " + name, Value.suggestion(name, known, "known are "));
      } else {
        switch (kind) {
          case NUMBER -> numbers.put(name, numberOrNan(entry.getValue()));
          case TEXT -> missingText(name, entry.getValue(), texts);
          case VECTOR ->
              entry
                  .getValue()
                  .mistake(
                      "nothing stands for input " + name + ", which is a vector",
                      "leave it out: where a vector is missing, fallback answers");
        }
      }
    }
    return new Missing(otherwise, numbers, texts);
  }

  private static void missingText(String name, Value value, Map<String, String> into) {
    String text = value.text();
    String flaw = text == null ? null : TextInput.flaw(text);
    if (flaw != null) {
      value.mistake("no model takes this text: " + flaw, "write another one");
    } else if (text != null) {
      into.put(name, text);
    }
  }

  private static double numberOrNan(Value value) {
    String text = value.isMapping() || value.isList() ? null : value.text();
    if (text != null && (text.toLowerCase(Locale.ROOT).equals("nan") || text.equals(".nan"))) {
      return Double.NaN;
    }
    Double number = value.number();
    return number == null ? Double.NaN : number;
  }

  private static Model.Execution execution(Section model) {
    Value value = model.take("execution");
    Section section = value == null ? null : value.section();
    if (section == null) {
      return new Model.Execution(Model.Provider.AUTO, MAX_ROWS, MAX_DELAY, null);
    }
    Model.Provider provider = section.choice(Model.Provider.class, "provider", Model.Provider.AUTO);
    Value rowsValue = section.take("max-rows");
    Long rows = rowsValue == null ? null : rowsValue.whole(1, 65_536);
    Duration delay = section.duration("max-delay", MAX_DELAY);
    Value latencyValue = section.take("latency");
    Duration latency = latencyValue == null ? null : latencyValue.positiveDuration();
    if (latencyValue != null && latency != null && latency.compareTo(delay) <= 0) {
      latencyValue.mistake(
          "leaves no time for scoring beside max-delay of " + delay.toMillis() + "ms",
          "give it more, or a smaller max-delay");
    }
    section.close();
    return new Model.Execution(provider, rows == null ? MAX_ROWS : rows.intValue(), delay, latency);
  }

  private List<Model.Decision> decisions(Section model, @Nullable Schema schema) {
    List<Model.Decision> decisions = new ArrayList<>();
    Names names = new Names();
    for (Section section : model.sections("decisions")) {
      Value nameValue = section.required("name");
      String name =
          nameValue == null
              ? null
              : nameValue.matching(
                  DECISION, "name of a decision", "use letters, digits and _, a letter first");
      if (nameValue != null && name != null) {
        names.claim("decision", name, "decision", nameValue);
      }
      Value whenValue = section.required("when");
      String when = whenValue == null ? null : whenValue.text();
      if (whenValue != null) {
        scope.expression(
            whenValue, schema, Expression.Type.BOOLEAN, Map.of("score", Expression.Type.DOUBLE));
      }
      section.forPeople();
      section.close();
      if (name != null && when != null) {
        decisions.add(new Model.Decision(name, when));
      }
    }
    return decisions;
  }

  private Model.@Nullable Label label(
      Section model, Scope.@Nullable SourceDraft scored, List<Model.Decision> decisions) {
    Value labelValue = model.take("label");
    Section section = labelValue == null ? null : labelValue.section();
    if (section == null) {
      return null;
    }
    Scope.SourceDraft source = scope.stream(section.required("source"));
    String on = scope.eventIdField(section.required("on"), source, scored);
    Value value = section.required("value");
    String text = value == null ? null : value.text();
    if (value != null && source != null) {
      scope.expression(value, source.schema(), Expression.Type.DOUBLE, Map.of());
    }
    Duration labelWait = section.positiveDuration("wait", LABEL_WAIT);
    Double absentValue = absent(section.take("absent"));
    Model.Label.Repeat repeat =
        section.choice(Model.Label.Repeat.class, "repeat", Model.Label.Repeat.LAST);
    selective(section, decisions);
    section.forPeople();
    section.close();
    if (source == null) {
      return null;
    }
    labelSources.add(source.name());
    return on == null || text == null
        ? null
        : new Model.Label(source.name(), on, text, labelWait, absentValue, repeat);
  }

  private static @Nullable Double absent(@Nullable Value value) {
    if (value == null || value.isMapping() || value.isList()) {
      return value == null ? null : value.number();
    }
    String text = value.text();
    return text == null || text.equals("unknown") ? null : value.number();
  }

  private static void selective(Section section, List<Model.Decision> decisions) {
    Value selective = section.take("selective");
    if (selective != null) {
      List<String> names = decisions.stream().map(Model.Decision::name).toList();
      for (Value element : selective.list()) {
        String unused = element.choice(names);
      }
      selective.unbuilt("key label.selective");
    }
    Value holdback = section.take("holdback");
    if (holdback != null) {
      Double unused = holdback.number(0, 1);
      if (selective == null) {
        holdback.mistake("lets nothing through without selective", "name the decisions too");
      }
      holdback.unbuilt("key label.holdback");
    }
  }

  private static Model.@Nullable Training training(Section model, List<Model.Input> inputs) {
    Value trainingValue = model.take("training");
    Section section = trainingValue == null ? null : trainingValue.section();
    if (trainingValue == null || section == null) {
      return null;
    }
    if (model.take("label") == null) {
      trainingValue.mistake("there is nothing to learn from", "add label:");
    }
    for (Model.Input input : inputs) {
      if (input.kind() != Model.Input.Kind.NUMBER) {
        trainingValue.unbuilt(
            "training on a "
                + (input.isVector() ? "vector" : "text")
                + " (input "
                + input.name()
                + "; leave training out and register versions that are trained elsewhere)");
      }
    }
    Value trainerValue = section.take("trainer");
    String trainer = trainerValue == null ? XGBOOST : trainerValue.name();
    if (trainerValue != null && trainer != null && !trainer.equals(XGBOOST)) {
      trainerValue.unbuilt("trainer " + trainer);
    }
    Value windowValue = section.required("window");
    Duration window = windowValue == null ? null : windowValue.positiveDuration();
    Duration tenth = window == null ? Duration.ZERO : window.dividedBy(10);
    Duration validation = section.positiveDuration("validation", tenth);
    Duration holdout = section.positiveDuration("holdout", tenth);
    Map<String, Double> parameters = new HashMap<>();
    Value parametersValue = section.take("parameters");
    Map<String, Value> entries = parametersValue == null ? null : parametersValue.entries();
    if (entries != null) {
      entries.forEach(
          (key, value) -> {
            Double number = value.number();
            if (number != null) {
              parameters.put(key, number);
            }
          });
    }
    Value seedValue = section.take("seed");
    Long seed = seedValue == null ? Long.valueOf(0) : seedValue.whole(0, Integer.MAX_VALUE);
    section.forPeople();
    section.close();
    if (window == null || trainer == null || seed == null) {
      return null;
    }
    if (validation.plus(holdout).compareTo(window) >= 0) {
      trainingValue.mistake(
          "validation and holdout leave nothing of the window to train on",
          "make the window longer than both together");
      return null;
    }
    return new Model.Training(trainer, window, validation, holdout, parameters, seed);
  }
}
