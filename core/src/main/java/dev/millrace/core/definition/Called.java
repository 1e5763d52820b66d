package dev.millrace.core.definition;

import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.expression.Nearest;
import dev.millrace.core.plugin.ColumnKind;
import dev.millrace.core.plugin.InstalledFunction;
import dev.millrace.core.plugin.Plugins;
import dev.millrace.core.plugin.ResultType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * A function as an aggregation calls it.
 *
 * @param plugin of a user's function; null of a built-in one
 */
record Called(String name, Function function, @Nullable InstalledFunction plugin) {

  /** The function that a value names; null where there is none, with the mistake reported. */
  static @Nullable Called in(Value value, Plugins plugins) {
    String name = value.text();
    if (name == null) {
      return null;
    }
    InstalledFunction plugin = plugins.function(name).orElse(null);
    if (Functions.NAMES.contains(name)) {
      if (plugin != null) {
        value.mistake(
            name + " is built in, and " + plugin.origin() + " provides a function of that name",
            "give the plugin's function another name, or take its jar away");
      }
      return new Called(name, Functions.named(name), null);
    }
    String refusal = plugins.refusal(name).orElse(null);
    if (refusal != null) {
      value.mistake("function " + name + " cannot be had: " + refusal, "correct or remove the jar");
      return null;
    }
    if (plugin == null) {
      unknown(value, name, plugins);
      return null;
    }
    String fault = plugin.fault();
    if (fault != null) {
      value.mistake(
          "function " + name + " of " + plugin.origin() + " is broken: it " + fault,
          "correct it, give it a higher version, and replace the jar");
      return null;
    }
    return new Called(name, Function.PLUGIN, plugin);
  }

  private static void unknown(Value value, String name, Plugins plugins) {
    List<String> all = new ArrayList<>(Functions.NAMES);
    all.addAll(plugins.names());
    String found = plugins.names().isEmpty() ? "none" : String.join(", ", plugins.names());
    String problems =
        plugins.problems().isEmpty()
            ? ""
            : "; not to be had: " + String.join("; ", plugins.problems());
    value.mistake(
        "'" + value.plain(name) + "' is not known",
        Nearest.to(name, all).map(nearest -> "did you mean " + nearest + "? ").orElse("")
            + "write one of "
            + String.join(", ", Functions.NAMES)
            + "; or of your own (found: "
            + found
            + problems
            + "), whose jar goes into "
            + plugins.place());
  }

  Functions.Column column() {
    if (plugin == null) {
      return Functions.column(function);
    }
    return plugin.columns().isEmpty() ? Functions.Column.NONE : Functions.Column.PLAIN;
  }

  /** What a user's function says; null of a built-in one. */
  Feature.@Nullable Plugin reference() {
    return plugin == null ? null : new Feature.Plugin(plugin.name(), plugin.version());
  }

  /** Whether a user's function takes a plain column; where it does not, that is reported. */
  boolean takes(Value value, Schema.Field field) {
    if (plugin == null || plugin.columns().contains(kind(Schemas.kind(field.schema())))) {
      return true;
    }
    value.mistake(
        name
            + " does not take field "
            + field.name()
            + ", which is "
            + Schemas.shown(field.schema()),
        "name a field of kind "
            + plugin.columns().stream()
                .sorted()
                .map(k -> Functions.lower(k))
                .collect(Collectors.joining(", ")));
    return false;
  }

  private static @Nullable ColumnKind kind(Schemas.Kind kind) {
    return switch (kind) {
      case WHOLE -> ColumnKind.WHOLE;
      case REAL -> ColumnKind.REAL;
      case TEXT -> ColumnKind.TEXT;
      case TRUTH -> ColumnKind.TRUTH;
      case TIME -> ColumnKind.TIME;
      case OTHER -> null;
    };
  }

  static ValueType valueType(ResultType type) {
    return switch (type.shape()) {
      case ONE -> one(type);
      case LIST -> ValueType.listOf(one(type.element()));
      case MAP -> ValueType.mapOf(one(type.element()));
    };
  }

  private static ValueType one(ResultType type) {
    return switch (type) {
      case LONG -> ValueType.LONG;
      case DOUBLE -> ValueType.DOUBLE;
      case STRING -> ValueType.STRING;
      case BOOLEAN -> ValueType.BOOLEAN;
      default -> throw new IllegalArgumentException(type + " is no type of one value");
    };
  }
}
