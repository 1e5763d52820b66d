package dev.millrace.core.plugin;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a function's value is: one value, a list of such, or a map from String to such. */
public enum ResultType {
  LONG(Shape.ONE, Long.class),
  DOUBLE(Shape.ONE, Double.class),
  STRING(Shape.ONE, String.class),
  BOOLEAN(Shape.ONE, Boolean.class),
  LIST_OF_LONG(Shape.LIST, Long.class),
  LIST_OF_DOUBLE(Shape.LIST, Double.class),
  LIST_OF_STRING(Shape.LIST, String.class),
  LIST_OF_BOOLEAN(Shape.LIST, Boolean.class),
  MAP_OF_LONG(Shape.MAP, Long.class),
  MAP_OF_DOUBLE(Shape.MAP, Double.class),
  MAP_OF_STRING(Shape.MAP, String.class),
  MAP_OF_BOOLEAN(Shape.MAP, Boolean.class);

  /** How the elements stand together. */
  public enum Shape {
    ONE,
    LIST,
    MAP
  }

  private final Shape shape;
  private final Class<?> element;

  ResultType(Shape shape, Class<?> element) {
    this.shape = shape;
    this.element = element;
  }

  public Shape shape() {
    return shape;
  }

  /** The type of one element of a list or a map; of one value the type itself. */
  public ResultType element() {
    if (element == Long.class) {
      return LONG;
    }
    if (element == Double.class) {
      return DOUBLE;
    }
    return element == String.class ? STRING : BOOLEAN;
  }

  /**
   * A result as rows have it: a copy, sorted where it is a map; null for a number beyond the range
   * of doubles, as of the built-in functions.
   *
   * @throws IllegalArgumentException if it is of another type
   */
  @Nullable Object checked(Object result) {
    return switch (shape) {
      case ONE -> one(result);
      case LIST -> {
        List<Object> list = new ArrayList<>();
        List<?> elements = cast(List.class, result);
        for (Object value : elements) {
          Object checked = one(value);
          if (checked == null) {
            yield null;
          }
          list.add(checked);
        }
        yield List.copyOf(list);
      }
      case MAP -> {
        TreeMap<String, Object> map = new TreeMap<>();
        Map<?, ?> entries = cast(Map.class, result);
        for (Map.Entry<?, ?> entry : entries.entrySet()) {
          Object checked = one(entry.getValue());
          if (checked != null) {
            Object unusedBefore = map.put(cast(String.class, entry.getKey()), checked);
          }
        }
        yield map;
      }
    };
  }

  private @Nullable Object one(@Nullable Object value) {
    Object checked = cast(element, value);
    return checked instanceof Double number && !Double.isFinite(number) ? null : checked;
  }

  private <T> T cast(Class<T> wanted, @Nullable Object value) {
    if (!wanted.isInstance(value)) {
      throw new IllegalArgumentException(
          "its value is stated to be "
              + this
              + " and needs a "
              + wanted.getSimpleName()
              + ", not "
              + (value == null ? "null" : "the " + value.getClass().getName() + " " + value));
    }
    return wanted.cast(value);
  }
}
