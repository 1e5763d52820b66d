package dev.millrace.registry.search;

import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What a search may be about.
 *
 * @param attributes by name; what has no prefix is one of these
 * @param keyed by prefix in the plural: {@code tags.k, params.k, metrics.k}
 * @param inLists attributes that may be compared with a list, and {@code group.name} of others
 */
public record Fields(
    Map<String, ValueType> attributes, Map<String, ValueType> keyed, Set<String> inLists) {

  /** What a value is. */
  public enum ValueType {
    TEXT,
    NUMBER
  }

  /** Which value is meant: an attribute, or the one of a key. */
  public record Field(String group, String name, ValueType type) {
    public static final String ATTRIBUTES = "attributes";
  }

  public Fields {
    attributes = Map.copyOf(attributes);
    keyed = Map.copyOf(keyed);
    inLists = Set.copyOf(inLists);
  }

  Field field(String group, String name) {
    String plural = plural(group);
    if (plural.equals(Field.ATTRIBUTES)) {
      ValueType type = attributes.get(name);
      if (type == null) {
        throw new SearchException(
            "Invalid attribute key '"
                + name
                + "' specified. Valid keys are "
                + attributes.keySet().stream().sorted().toList());
      }
      return new Field(Field.ATTRIBUTES, name, type);
    }
    ValueType type = keyed.get(plural);
    if (type == null) {
      throw new SearchException(
          "Invalid entity type '"
              + group
              + "'. Valid values are "
              + keyed.keySet().stream().sorted().toList()
              + " and attributes");
    }
    return new Field(plural, name, type);
  }

  private static String plural(String group) {
    return switch (group.toLowerCase(Locale.ROOT)) {
      case "", "attribute", "attributes", "attr", "run" -> Field.ATTRIBUTES;
      case "tag", "tags" -> "tags";
      case "param", "params", "parameter", "parameters" -> "params";
      case "metric", "metrics" -> "metrics";
      case "dataset", "datasets" -> "datasets";
      default -> group;
    };
  }
}
