package dev.millrace.core.plugin;

import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a provider says of itself, asked once.
 *
 * @param origin its class and jar, for messages
 */
public record InstalledFunction(
    String name,
    int version,
    Set<ColumnKind> columns,
    ResultType type,
    Optional<String> error,
    boolean removes,
    AggregationProvider<?> provider,
    String origin)
    implements UserFunction {

  public InstalledFunction {
    columns = Set.copyOf(columns);
  }

  /** Whether it gets its column's values as doubles. */
  public boolean takesDoubles() {
    return columns.contains(ColumnKind.REAL)
        && Set.of(ColumnKind.WHOLE, ColumnKind.REAL).containsAll(columns);
  }

  /** What is wrong with it as far as trying it out can tell; null where nothing is. */
  public @Nullable String fault() {
    return new Trial<>(this, provider).fault();
  }

  /** A result as rows have it. */
  public @Nullable Object checked(@Nullable Object result) {
    return result == null ? null : type.checked(result);
  }

  /** For what the provider threw. */
  public PluginException failed(String what, Throwable cause) {
    return new PluginException(
        "Cannot "
            + what
            + " with function "
            + name
            + " version "
            + version
            + " of "
            + origin
            + ": "
            + cause
            + "; correct the function, give it a higher version, and apply the project again",
        cause);
  }
}
