package dev.millrace.core.definition;

import dev.millrace.core.expression.Expression;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads the {@code inputs} of one model: its signature. */
final class InputReader {

  private static final Pattern REFERENCE =
      Pattern.compile("(?:([a-z][a-z0-9_]*)/)?([A-Za-z0-9_-]+):(\\*|[A-Za-z0-9_-]+)");

  private final Scope scope;
  private final Scope.@Nullable SourceDraft source;
  private final Map<String, Value> keys;
  private final Model.FeatureReads reads;
  private final List<Found> found = new ArrayList<>();
  private final Map<String, @Nullable List<String>> keyFieldsByEntity = new HashMap<>();

  /** An input before its name is settled; view and feature are null for one on demand. */
  private record Found(
      Value place,
      String name,
      @Nullable String view,
      @Nullable String feature,
      List<String> keyFields,
      @Nullable String expression,
      Model.Input.Kind kind) {}

  InputReader(
      Scope scope,
      Scope.@Nullable SourceDraft source,
      Map<String, Value> keys,
      Model.FeatureReads reads) {
    this.scope = scope;
    this.source = source;
    this.keys = keys;
    this.reads = reads;
  }

  List<Model.Input> read(Section model) {
    Value value = model.required("inputs");
    if (value == null) {
      return List.of();
    }
    List<Value> elements = value.list();
    if (elements.isEmpty()) {
      value.mistake("holds no input", "name at least one");
    }
    for (Value element : elements) {
      if (element.isMapping()) {
        onDemand(element);
      } else {
        ofView(element);
      }
    }
    return named();
  }

  private void onDemand(Value element) {
    Section section = element.section();
    if (section == null) {
      return;
    }
    String name = section.name();
    Value value = section.required("value");
    section.forPeople();
    section.close();
    String text = value == null ? null : value.text();
    if (value == null || text == null) {
      return;
    }
    Model.Input.Kind kind = Model.Input.Kind.NUMBER;
    if (source != null && source.schema() != null) {
      Expression expression =
          scope.expression(value, source.schema(), Expression.Type.INPUT, Map.of());
      if (expression != null) {
        kind = kind(expression.type());
      }
    }
    if (name != null) {
      found.add(new Found(element, name, null, null, List.of(), text, kind));
    }
  }

  private static Model.Input.Kind kind(Expression.Type type) {
    return switch (type) {
      case VECTOR -> Model.Input.Kind.VECTOR;
      case STRING -> Model.Input.Kind.TEXT;
      default -> Model.Input.Kind.NUMBER;
    };
  }

  private void ofView(Value element) {
    String text = element.text();
    if (text == null) {
      return;
    }
    Matcher matcher = REFERENCE.matcher(text);
    if (!matcher.matches()) {
      element.mistake(
          "'" + text + "' names no feature",
          "write VIEW:FEATURE, VIEW:*, or {name: NAME, value: EXPRESSION}");
      return;
    }
    if (matcher.group(1) != null) {
      element.unbuilt("another project's view");
      return;
    }
    String viewName = matcher.group(2);
    String featureName = matcher.group(3);
    Scope.ViewDraft view = scope.viewsByName().get(viewName);
    if (view == null) {
      element.mistake(
          "there is no feature view " + viewName,
          Value.suggestion(viewName, new ArrayList<>(scope.viewsByName().keySet()), "known are "));
      return;
    }
    if (reads == Model.FeatureReads.ONLINE
        && view.view() != null
        && view.view().redis().layout() == FeatureView.RedisOptions.Layout.FEAST) {
      element.unbuilt("reading view " + viewName + ", which stands in Feast's layout, online");
    }
    List<String> keyFields = keyFields(element, view);
    List<Scope.FeatureDraft> features =
        view.features().stream()
            .filter(f -> featureName.equals("*") || f.name().equals(featureName))
            .toList();
    if (features.isEmpty() && !featureName.equals("*")) {
      List<String> names = view.features().stream().map(Scope.FeatureDraft::name).toList();
      element.mistake(
          "view " + viewName + " has no feature " + featureName,
          Value.suggestion(featureName, names, "its features are "));
    }
    for (Scope.FeatureDraft feature : features) {
      Feature.ValueType type = feature.type();
      if (type != null && !type.isInput()) {
        element.unbuilt(type.noun() + " (" + feature.name() + ") as a model's input");
      }
      found.add(
          new Found(
              element,
              feature.name(),
              viewName,
              feature.name(),
              keyFields,
              null,
              type != null && type.isText() ? Model.Input.Kind.TEXT : Model.Input.Kind.NUMBER));
    }
  }

  private List<String> keyFields(Value element, Scope.ViewDraft view) {
    Entity entity = view.entity() == null ? null : view.entity().entity();
    if (entity == null) {
      return List.of();
    }
    if (!keyFieldsByEntity.containsKey(entity.name())) {
      keyFieldsByEntity.put(entity.name(), scope.keyFields(element, entity, source, keys));
    }
    List<String> fields = keyFieldsByEntity.get(entity.name());
    return fields == null ? List.of() : fields;
  }

  /** A feature's own name, with its view's before it where two views give the same. */
  private List<Model.Input> named() {
    Map<String, Set<String>> viewsByFeature = new HashMap<>();
    for (Found one : found) {
      if (one.view() != null) {
        viewsByFeature.computeIfAbsent(one.name(), k -> new HashSet<>()).add(one.view());
      }
    }
    List<Model.Input> inputs = new ArrayList<>();
    Names names = new Names();
    for (Found one : found) {
      boolean shared = viewsByFeature.getOrDefault(one.name(), Set.of()).size() > 1;
      String name = one.view() != null && shared ? one.view() + "_" + one.name() : one.name();
      if (!names.claim("input", name, "input", one.place())) {
        continue;
      }
      if (one.view() != null && one.feature() != null) {
        inputs.add(
            new Model.Input.OfView(name, one.view(), one.feature(), one.keyFields(), one.kind()));
      } else if (one.expression() != null) {
        inputs.add(new Model.Input.OnDemand(name, one.expression(), one.kind()));
      }
    }
    return inputs;
  }
}
