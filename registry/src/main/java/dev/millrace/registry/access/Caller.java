package dev.millrace.registry.access;

/**
 * Who asks, as their token says.
 *
 * @param name what stands in the journal as actor
 */
public record Caller(String name, Role role, Projects projects) {

  /** Under which a request carries it from where it is told to where it is used. */
  public static final String ATTRIBUTE = "millrace.caller";
}
