package dev.millrace.core.definition;

import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.definition.Functions.Option;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.plugin.InstalledFunction;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/** Reads the {@code aggregations} of one view. */
final class AggregationReader {

  private static final Duration SHORTEST_WINDOW = Duration.ofSeconds(1);
  private static final Duration LONGEST_WINDOW = Duration.ofDays(365);
  private static final int MOST_EDGES = 200;

  /** Columns of a view's log that are no features. */
  private static final Set<String> LOG_COLUMNS =
      Set.of("entity_key", "_time", "_source", "_version", "known_at");

  private final Scope scope;
  private final @Nullable Entity entity;
  private final Scope.@Nullable SourceDraft source;

  private final List<Scope.FeatureDraft> drafts = new ArrayList<>();
  private final List<Feature> features = new ArrayList<>();
  private final Map<String, Value> places = new HashMap<>();
  private Duration longest = Duration.ZERO;

  AggregationReader(Scope scope, @Nullable Entity entity, Scope.@Nullable SourceDraft source) {
    this.scope = scope;
    this.entity = entity;
    this.source = source;
  }

  /** One window of one aggregation; {@code text} is the window as the user wrote it. */
  private record Window(String text, Duration length) {}

  /**
   * One aggregation, of which each window makes a feature.
   *
   * @param type null where a mistake hides it
   */
  private record Aggregation(
      Section section,
      Called called,
      @Nullable String column,
      @Nullable ValueType type,
      Feature.Options options) {}

  /** Every feature by name, those with mistakes too. */
  List<Scope.FeatureDraft> drafts() {
    return drafts;
  }

  List<Feature> features() {
    return features;
  }

  /** The longest window, zero where there is none. */
  Duration longest() {
    return longest;
  }

  void read(Section view) {
    Value value = view.required("aggregations");
    if (value == null) {
      return;
    }
    List<Section> aggregations = value.sections();
    if (aggregations.isEmpty() && value.isList() && value.list().isEmpty()) {
      value.mistake("holds no aggregation", "add at least one");
    }
    aggregations.forEach(this::aggregation);
  }

  private void aggregation(Section section) {
    section.forPeople();
    Value functionValue = section.required("function");
    Called called = functionValue == null ? null : Called.in(functionValue, scope.plugins());
    Function function = called == null ? null : called.function();
    Value nameValue = section.take("name");
    String prefix = nameValue == null ? null : nameValue.name();
    Value columnValue = section.take("column");
    Schema.Field column = column(section, called, columnValue);
    Value byValue = section.take("by");
    Schema.Field by = byValue == null ? null : by(byValue);
    Feature.Options options = options(section, function, column, by);
    List<Window> windows = windows(section, function);
    section.close();
    if (called == null || function == null) {
      return;
    }
    String columnName =
        columnValue == null || called.column() == Functions.Column.NONE ? null : columnValue.text();
    if (prefix == null) {
      if (columnName == null && called.column().compareTo(Functions.Column.PLAIN) >= 0) {
        return;
      }
      String byName = byValue == null ? null : byValue.text();
      // Without it two aggregations that differ in nothing else would have one name.
      prefix =
          (columnName == null ? "" : columnName + "_")
              + called.name()
              + (byName == null ? "" : "_by_" + byName);
    }
    ValueType type = valueType(called, columnValue != null, column, options);
    if (type != null && byValue != null) {
      type = by == null ? null : ValueType.mapOf(type);
    }
    Aggregation read = new Aggregation(section, called, columnName, type, options);
    if (windows.isEmpty()) {
      if (!Functions.needsWindow(function) && section.take("windows") == null) {
        add(read, prefix, null);
      }
      return;
    }
    for (Window window : windows) {
      add(read, prefix + "_" + window.text(), window.length());
    }
  }

  private void add(Aggregation read, String name, @Nullable Duration window) {
    Value place = read.section().self();
    Value earlier = places.putIfAbsent(name, place);
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
    drafts.add(new Scope.FeatureDraft(name, read.type()));
    if (window != null && window.compareTo(longest) > 0) {
      longest = window;
    }
    if (read.type() != null) {
      features.add(
          new Feature(
              name,
              read.called().function(),
              read.column(),
              window,
              read.type(),
              read.options(),
              read.called().reference()));
    }
  }

  private Schema.@Nullable Field column(
      Section section, @Nullable Called called, @Nullable Value value) {
    Functions.Column rule = called == null ? null : called.column();
    if (value == null) {
      if (rule == Functions.Column.PLAIN || rule == Functions.Column.NUMBERS) {
        section.required("column");
      }
      return null;
    }
    if (called != null && rule == Functions.Column.NONE) {
      value.mistake(
          called.name() + " takes no column",
          called.function() == Function.COUNT_IF
              ? "remove the key, and name the field in when:"
              : "remove the key, or use a filter");
      return null;
    }
    Schema.Field field = scope.field(value, source);
    if (field == null || called == null) {
      return null;
    }
    if (rule == Functions.Column.NUMBERS) {
      return numbers(value, field, called.name()) ? field : null;
    }
    if (Schemas.kind(field.schema()) == Schemas.Kind.OTHER) {
      value.mistake(
          "field "
              + field.name()
              + " is "
              + Schemas.shown(field.schema())
              + ", which no aggregation takes",
          "name a field of a plain type");
      return null;
    }
    return called.takes(value, field) ? field : null;
  }

  private static boolean numbers(Value value, Schema.Field field, String who) {
    if (isNumber(field)) {
      return true;
    }
    value.mistake(
        who + " needs numbers, and field " + field.name() + " is " + Schemas.shown(field.schema()),
        "name a field of type int, long, float or double");
    return false;
  }

  private static boolean isNumber(Schema.Field field) {
    Schemas.Kind kind = Schemas.kind(field.schema());
    return kind == Schemas.Kind.WHOLE || kind == Schemas.Kind.REAL;
  }

  private Schema.@Nullable Field by(Value value) {
    Schema.Field field = scope.field(value, source);
    if (field == null) {
      return null;
    }
    return switch (Schemas.kind(field.schema())) {
      case TEXT, WHOLE, TRUTH -> field;
      case REAL, TIME, OTHER -> {
        value.mistake(
            "field "
                + field.name()
                + " is "
                + Schemas.shown(field.schema())
                + " and cannot tell groups apart",
            "name a field of type string, enum, int, long or boolean");
        yield null;
      }
    };
  }

  private Feature.Options options(
      Section section,
      @Nullable Function function,
      Schema.@Nullable Field column,
      Schema.@Nullable Field by) {
    Value when = option(section, function, Option.WHEN, true);
    String condition = when == null ? null : when.text();
    if (when != null && condition != null && source != null) {
      scope.expression(when, source.schema(), Expression.Type.BOOLEAN, Map.of());
    }
    Value p = option(section, function, Option.P, true);
    Value halfLife = option(section, function, Option.HALF_LIFE, true);
    return new Feature.Options(
        condition == null ? null : condition.strip(),
        by == null ? null : by.name(),
        denominator(section, function),
        p == null ? null : p.number(0, 1),
        size(section, function),
        halfLife == null ? null : halfLife.positiveDuration(),
        edges(section, function, column));
  }

  /** An option's value; where the function does not take it or needs it, that is reported. */
  private static @Nullable Value option(
      Section section, @Nullable Function function, Option option, boolean needed) {
    Value value = section.take(option.key);
    if (function == null) {
      return value;
    }
    if (!Functions.takes(function, option)) {
      if (value != null) {
        value.mistake(option.takers(), "remove the key");
      }
      return null;
    }
    if (value == null && needed) {
      section.required(option.key);
    }
    return value;
  }

  private @Nullable String denominator(Section section, @Nullable Function function) {
    Value value = option(section, function, Option.DENOMINATOR, true);
    Schema.Field field = value == null ? null : scope.field(value, source);
    return value != null && field != null && numbers(value, field, "the denominator of a ratio")
        ? field.name()
        : null;
  }

  private static @Nullable Integer size(Section section, @Nullable Function function) {
    Functions.Size size = function == null ? null : Functions.size(function);
    Value value = option(section, function, Option.K, size != null && size.otherwise() == 0);
    if (value == null) {
      return size == null || size.otherwise() == 0 ? null : size.otherwise();
    }
    Long k = size == null ? null : value.whole(size.least(), size.most());
    return k == null ? null : k.intValue();
  }

  private static List<Double> edges(
      Section section, @Nullable Function function, Schema.@Nullable Field column) {
    Value value = option(section, function, Option.EDGES, false);
    if (value == null) {
      return List.of();
    }
    List<Value> elements = value.list();
    if (value.isList() && elements.isEmpty()) {
      value.mistake("holds no edge", "name at least one number, or remove the key");
    }
    if (elements.size() > MOST_EDGES) {
      value.mistake(
          "holds " + elements.size() + " edges, and a histogram takes " + MOST_EDGES,
          "leave out some");
      return List.of();
    }
    if (function != null && column != null && !isNumber(column)) {
      value.mistake(
          "edges divide numbers, and field "
              + column.name()
              + " is "
              + Schemas.shown(column.schema()),
          "remove the key, so that each value is counted, or name a number as column");
    }
    List<Double> edges = new ArrayList<>();
    for (Value element : elements) {
      Double read = element.number();
      if (read == null) {
        continue;
      }
      double edge = read == 0 ? 0 : read;
      if (!edges.isEmpty() && edge <= edges.get(edges.size() - 1)) {
        element.mistake("is not more than the edge before it", "write the edges ascending");
        continue;
      }
      edges.add(edge);
    }
    return edges;
  }

  private static List<Window> windows(Section section, @Nullable Function function) {
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
      if (length == null || text == null) {
        continue;
      }
      if (length.compareTo(SHORTEST_WINDOW) < 0 || length.compareTo(LONGEST_WINDOW) > 0) {
        element.mistake("a window is from 1s to 365d long", "write one such as 1h");
        continue;
      }
      windows.add(new Window(Durations.canonical(text), length));
    }
    return windows;
  }

  /** The type of the function's value, before it is divided into groups. */
  private static @Nullable ValueType valueType(
      Called called, boolean columnNamed, Schema.@Nullable Field column, Feature.Options options) {
    Functions.Column rule = called.column();
    boolean columnExpected =
        rule == Functions.Column.OPTIONAL ? columnNamed : rule != Functions.Column.NONE;
    if (columnExpected && column == null) {
      return null;
    }
    InstalledFunction plugin = called.plugin();
    if (plugin != null) {
      return Called.valueType(plugin.type());
    }
    return switch (called.function()) {
      case COUNT, COUNT_IF, COUNT_DISTINCT, APPROX_COUNT_DISTINCT, TIME_SINCE_LAST ->
          ValueType.LONG;
      case FIRST, LAST -> elementType(column);
      case FIRST_K, LAST_K, LAST_DISTINCT_K -> {
        ValueType element = elementType(column);
        yield element == null ? null : ValueType.listOf(element);
      }
      case TOP_K, BOTTOM_K -> ValueType.listOf(ValueType.DOUBLE);
      case HISTOGRAM ->
          options.edges().isEmpty()
              ? ValueType.mapOf(ValueType.LONG)
              : ValueType.listOf(ValueType.LONG);
      case FREQUENT_ITEMS -> ValueType.mapOf(ValueType.LONG);
      default -> ValueType.DOUBLE;
    };
  }

  private static @Nullable ValueType elementType(Schema.@Nullable Field column) {
    if (column == null) {
      return null;
    }
    return switch (Schemas.kind(column.schema())) {
      case WHOLE, TIME -> ValueType.LONG;
      case REAL -> ValueType.DOUBLE;
      case TRUTH -> ValueType.BOOLEAN;
      case TEXT -> ValueType.STRING;
      case OTHER -> null;
    };
  }
}
