package dev.millrace.core.plugin;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A function for expressions, as a test says it. */
public record GivenScalar(
    String name,
    int version,
    List<ScalarType> parameters,
    ScalarType type,
    Function<List<Object>, @Nullable Object> body)
    implements ScalarProvider {

  /** Version 1. */
  public static GivenScalar of(
      String name,
      List<ScalarType> parameters,
      ScalarType type,
      Function<List<Object>, @Nullable Object> body) {
    return new GivenScalar(name, 1, parameters, type, body);
  }

  /** Every function that tests of expressions call. */
  public static Plugins plugins(ScalarProvider... providers) {
    return Plugins.ofScalars(List.of(providers));
  }

  @Override
  public @Nullable Object call(List<Object> arguments) {
    return body.apply(arguments);
  }
}
