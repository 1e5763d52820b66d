package dev.millrace.core.plugin;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A function of a user that expressions call by its name: {@code filter: "distance_km(lat, lon,
 * 48.2, 16.4) < 50.0"}. A jar names its class in {@code
 * META-INF/services/dev.millrace.core.plugin.ScalarProvider}; it has a public constructor without
 * parameters and may be called from several threads at once.
 *
 * <p>What {@link #call} gives may depend on the arguments and on nothing else: not on a clock, a
 * random number, a file that may change or what was asked before. Else what was served differs from
 * what is computed again.
 */
public interface ScalarProvider {

  /** As expressions call it: lower-case letters, digits and _, and no name that CEL has. */
  String name();

  /**
   * From 1 on. It goes up whenever a result changes, for it is part of the definition id of every
   * view whose expressions call the function: a changed function is a changed view.
   */
  int version();

  /** What it takes, in order; an expression that gives it anything else is a mistake. */
  List<ScalarType> parameters();

  ScalarType type();

  /**
   * The value for some arguments, of which none is null.
   *
   * <p>Where there is none it throws, or gives null: then the expression has no value for this
   * event, as after a division by zero.
   */
  @Nullable Object call(List<Object> arguments);
}
