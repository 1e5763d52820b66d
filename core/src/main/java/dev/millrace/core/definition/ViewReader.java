package dev.millrace.core.definition;

import dev.millrace.core.expression.Expression;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/** Reads {@code feature-views}. */
final class ViewReader {

  private static final Duration REFRESH = Duration.ofMinutes(1);
  private static final Duration SHORTEST_DEFAULT_TTL = Duration.ofDays(7);

  /** Columns of a view's log that are no features. */
  private static final Set<String> LOG_COLUMNS = Set.of("_time", "_source", "_version", "known_at");

  private final Scope scope;

  ViewReader(Scope scope) {
    this.scope = scope;
  }

  /** One window of one aggregation; {@code text} is the window as the user wrote it. */
  private record Window(String text, Duration length) {}

  /** Features as they are found, with what else decides their values. */
  private static final class Found {
    final List<Scope.FeatureDraft> drafts = new ArrayList<>();
    final List<Feature> features = new ArrayList<>();
    final Map<String, Value> places = new HashMap<>();
    Duration longest = Duration.ZERO;
  }

  void read(Section section) {
    String name = scope.newName(section, "feature view");
    section.forPeople();
    Scope.EntityDraft entity = scope.entity(section.required("entity"));
    Scope.SourceDraft source = scope.source(section.required("source"));
    Entity sound = entity == null ? null : entity.entity();
    Map<String, Value> keys = scope.keys(section, sound, source);
    Value entityValue = section.take("entity");
    List<String> keyFields =
        sound == null || entityValue == null
            ? null
            : scope.keyFields(entityValue, sound, source, keys);
    Value filterValue = section.take("filter");
    String filter = filterValue == null ? null : filterValue.text();
    if (filterValue != null && source != null) {
      scope.expression(filterValue, source.schema(), Expression.Type.BOOLEAN, Map.of());
    }
    FeatureView.Accuracy accuracy =
        section.choice(FeatureView.Accuracy.class, "accuracy", FeatureView.Accuracy.EXACT);
    Value accuracyValue = section.take("accuracy");
    if (accuracyValue != null && accuracy == FeatureView.Accuracy.TILED) {
      accuracyValue.unbuilt("accuracy tiled");
    }
    Duration refresh = section.positiveDuration("refresh", REFRESH);
    Duration lateness = section.duration("allowed-lateness", Duration.ZERO);
    Found found = aggregations(section, sound, source);
    Duration ttl = section.positiveDuration("ttl", defaultTtl(found.longest));
    section.close();
    if (name == null) {
      return;
    }
    FeatureView view = null;
    if (sound != null && source != null && source.source() != null && keyFields != null) {
      FeatureView unnamed =
          new FeatureView(
              name,
              sound,
              source.name(),
              keyFields,
              filter == null ? null : filter.strip(),
              accuracy,
              refresh,
              lateness,
              ttl,
              found.features,
              "");
      view = withId(unnamed, ViewId.of(unnamed, source.source()));
    }
    scope.add(new Scope.ViewDraft(name, entity, found.drafts, view));
  }

  private static Duration defaultTtl(Duration longest) {
    Duration twice = longest.multipliedBy(2);
    return twice.compareTo(SHORTEST_DEFAULT_TTL) < 0 ? SHORTEST_DEFAULT_TTL : twice;
  }

  private static FeatureView withId(FeatureView view, String id) {
    return new FeatureView(
        view.name(),
        view.entity(),
        view.source(),
        view.keyFields(),
        view.filter(),
        view.accuracy(),
        view.refresh(),
        view.allowedLateness(),
        view.ttl(),
        view.features(),
        id);
  }

  private Found aggregations(
      Section section, @Nullable Entity entity, Scope.@Nullable SourceDraft source) {
    Found found = new Found();
    Value value = section.required("aggregations");
    if (value == null) {
      return found;
    }
    List<Section> aggregations = value.sections();
    if (aggregations.isEmpty() && value.isList() && value.list().isEmpty()) {
      value.mistake("holds no aggregation", "add at least one");
    }
    for (Section aggregation : aggregations) {
      aggregation(aggregation, entity, source, found);
    }
    return found;
  }

  private void aggregation(
      Section section, @Nullable Entity entity, Scope.@Nullable SourceDraft source, Found found) {
    section.forPeople();
    Value functionValue = section.required("function");
    String function = functionValue == null ? null : functionValue.choice(Functions.ALL);
    Value nameValue = section.take("name");
    String prefix = nameValue == null ? null : nameValue.name();
    boolean built = function != null && Functions.built(function).isPresent();
    if (functionValue != null && function != null && !built) {
      functionValue.unbuilt("function " + function);
    }
    built &= !by(section, source);
    Value columnValue = section.take("column");
    Schema.Field column = column(section, function, columnValue, source);
    parameters(section, function);
    List<Window> windows = windows(section, function);
    section.close();
    if (function == null) {
      return;
    }
    String columnName = columnValue == null ? null : columnValue.text();
    if (prefix == null) {
      if (!function.equals("count") && columnName == null) {
        return;
      }
      prefix = function.equals("count") ? "count" : columnName + "_" + function;
    }
    Feature.ValueType type =
        built ? valueType(Functions.built(function).orElseThrow(), column) : null;
    if (windows.isEmpty()) {
      if (!Functions.needsWindow(function) && section.take("windows") == null) {
        add(section, found, entity, prefix, function, columnName, null, type);
      }
      return;
    }
    for (Window window : windows) {
      String name = prefix + "_" + window.text();
      add(section, found, entity, name, function, columnName, window.length(), type);
    }
  }

  private static void add(
      Section section,
      Found found,
      @Nullable Entity entity,
      String name,
      String function,
      @Nullable String column,
      @Nullable Duration window,
      Feature.@Nullable ValueType type) {
    Value place = section.self();
    Value earlier = found.places.putIfAbsent(name, place);
    if (earlier != null) {
      place.mistake(
          "feature " + name + " is there already, from line " + earlier.line(),
          "remove one, or tell them apart with name:");
      return;
    }
    if (LOG_COLUMNS.contains(name) || (entity != null && entity.keys().contains(name))) {
      place.mistake(
          "feature " + name + " has the name of another column of the view's log",
          "choose another with name:");
      return;
    }
    found.drafts.add(new Scope.FeatureDraft(name, type));
    if (window != null && window.compareTo(found.longest) > 0) {
      found.longest = window;
    }
    if (type != null) {
      Feature.Function known = Functions.built(function).orElseThrow();
      found.features.add(
          new Feature(name, known, known == Feature.Function.COUNT ? null : column, window, type));
    }
  }

  /** Whether the aggregation is by the values of a further column, which is not built. */
  private boolean by(Section section, Scope.@Nullable SourceDraft source) {
    Value by = section.take("by");
    if (by == null) {
      return false;
    }
    by.list().forEach(v -> scope.field(v, source));
    by.unbuilt("aggregation by a further column");
    return true;
  }

  private Schema.@Nullable Field column(
      Section section,
      @Nullable String function,
      @Nullable Value value,
      Scope.@Nullable SourceDraft source) {
    if (function != null && function.equals("count")) {
      if (value != null) {
        value.mistake("count takes no column", "remove the key, or use a filter");
      }
      return null;
    }
    if (value == null) {
      if (function != null) {
        section.required("column");
      }
      return null;
    }
    Schema.Field field = scope.field(value, source);
    if (field == null || function == null) {
      return null;
    }
    Schemas.Kind kind = Schemas.kind(field.schema());
    if (Functions.needsNumbers(function)
        && kind != Schemas.Kind.WHOLE
        && kind != Schemas.Kind.REAL) {
      value.mistake(
          function
              + " needs numbers, and field "
              + field.name()
              + " is "
              + Schemas.shown(field.schema()),
          "name a field of type int, long, float or double");
      return null;
    }
    if (kind == Schemas.Kind.OTHER) {
      value.mistake(
          "field "
              + field.name()
              + " is "
              + Schemas.shown(field.schema())
              + ", which no aggregation takes",
          "name a field of a plain type");
      return null;
    }
    return field;
  }

  private static void parameters(Section section, @Nullable String function) {
    boolean percentile = function != null && function.equals("percentile");
    boolean lastOnes = function != null && function.equals("last_k");
    Value p = section.take("p");
    if (p != null) {
      Double unused = p.number(0, 1);
      if (function != null && !percentile) {
        p.mistake("only percentile takes p", "remove the key");
      }
    } else if (percentile) {
      section.required("p");
    }
    Value k = section.take("k");
    if (k != null) {
      Long unused = k.whole(1, 1000);
      if (function != null && !lastOnes) {
        k.mistake("only last_k takes k", "remove the key");
      }
    } else if (lastOnes) {
      section.required("k");
    }
  }

  private static List<Window> windows(Section section, @Nullable String function) {
    Value value = section.take("windows");
    if (value == null) {
      if (function != null && Functions.needsWindow(function)) {
        section.required("windows");
      }
      return List.of();
    }
    List<Window> windows = new ArrayList<>();
    List<Value> elements = value.list();
    if (value.isList() && elements.isEmpty()) {
      value.mistake("holds no window", "name at least one such as 1h");
    }
    for (Value element : elements) {
      Duration length = element.positiveDuration();
      String text = length == null ? null : element.text();
      if (length != null && text != null) {
        windows.add(new Window(Durations.canonical(text), length));
      }
    }
    return windows;
  }

  private static Feature.@Nullable ValueType valueType(
      Feature.Function function, Schema.@Nullable Field column) {
    if (function == Feature.Function.COUNT) {
      return Feature.ValueType.LONG;
    }
    if (column == null) {
      return null;
    }
    if (function == Feature.Function.APPROX_COUNT_DISTINCT) {
      return Feature.ValueType.LONG;
    }
    if (function != Feature.Function.LAST) {
      return Feature.ValueType.DOUBLE;
    }
    return switch (Schemas.kind(column.schema())) {
      case WHOLE, TIME -> Feature.ValueType.LONG;
      case REAL -> Feature.ValueType.DOUBLE;
      case TRUTH -> Feature.ValueType.BOOLEAN;
      case TEXT -> Feature.ValueType.STRING;
      case OTHER -> null;
    };
  }
}
