package dev.millrace.registry.access;

import io.javalin.http.Context;
import org.jspecify.annotations.Nullable;

/**
 * Who asks, as their token says.
 *
 * @param name what stands in the journal as actor
 */
public record Caller(String name, Role role, Projects projects) {

  /** Under which a request carries it from where it is told to where it is used. */
  public static final String ATTRIBUTE = "millrace.caller";

  /** Who asks, as far as that is known; where there are tokens nobody says it of themselves. */
  public static String name(Context context, @Nullable Caller caller) {
    if (caller != null) {
      return caller.name();
    }
    var basic = context.basicAuthCredentials();
    return basic == null || basic.getUsername().isBlank() ? "anonymous" : basic.getUsername();
  }
}
