package dev.millrace.core.plugin;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a provider for expressions says of itself, asked once.
 *
 * @param origin its class and jar, for messages
 */
public record InstalledScalar(
    String name,
    int version,
    List<ScalarType> parameters,
    ScalarType type,
    ScalarProvider provider,
    String origin)
    implements UserFunction {

  private static final int TRIES = 6;

  public InstalledScalar {
    parameters = List.copyOf(parameters);
    Objects.requireNonNull(type);
  }

  /**
   * The value for some arguments.
   *
   * @throws PluginException where there is none
   */
  public Object call(List<Object> arguments) {
    Object value;
    try {
      value = provider.call(arguments);
    } catch (RuntimeException | LinkageError e) {
      throw new PluginException(described() + " threw " + e, e);
    }
    if (value == null) {
      throw new PluginException(described() + " has no value for " + arguments);
    }
    if (!type.held().isInstance(value)) {
      throw new PluginException(described() + " " + wrongType(value));
    }
    return value;
  }

  private String described() {
    return "function " + name + " version " + version + " of " + origin;
  }

  private String wrongType(Object value) {
    return "is stated to give "
        + type
        + ", a "
        + type.held().getSimpleName()
        + ", and gave the "
        + value.getClass().getName()
        + " "
        + value;
  }

  /**
   * Tries it out over a handful of arguments: each twice, with others in between. It can show that
   * a function is wrong, never that it is right; to throw is no fault.
   */
  public @Nullable String fault() {
    List<@Nullable Object> first = new ArrayList<>();
    for (int round = 0; round < 2; round++) {
      for (int i = 0; i < TRIES; i++) {
        List<Object> arguments = new ArrayList<>();
        for (int p = 0; p < parameters.size(); p++) {
          arguments.add(sample(parameters.get(p), i + p));
        }
        Object value;
        try {
          value = provider.call(List.copyOf(arguments));
        } catch (LinkageError e) {
          return "throws " + e;
        } catch (RuntimeException e) {
          value = null;
        }
        if (value != null && !type.held().isInstance(value)) {
          return wrongType(value);
        }
        if (round == 0) {
          first.add(value);
        } else if (!Objects.equals(first.get(i), value)) {
          return "has two values for " + arguments + ": " + first.get(i) + " and " + value;
        }
      }
    }
    return null;
  }

  private static Object sample(ScalarType type, int which) {
    int i = which % TRIES;
    return switch (type) {
      case LONG -> List.of(3L, -7L, 0L, 1L << 60, 12L, 1L).get(i);
      case DOUBLE -> List.of(0.1, -2.25, 0.0, 1e15, 48.2, 1.0).get(i);
      case STRING -> List.of("b", "", "\u00e9", "a longer text than the others", "B1", "1").get(i);
      case BOOLEAN -> i % 2 == 0;
      case TIME -> List.of(1_700_000_000_000L, 0L, 3L, 1_709_210_096_789L, -1L, 1L).get(i);
    };
  }
}
