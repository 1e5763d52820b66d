package dev.millrace.core.plugin;

/** What an expression hands to a function or gets from it, and its class. */
public enum ScalarType {
  /** CEL's int. */
  LONG(Long.class),
  DOUBLE(Double.class),
  STRING(String.class),
  BOOLEAN(Boolean.class),
  /** CEL's timestamp: Long, epoch milliseconds. */
  TIME(Long.class);

  private final Class<?> held;

  ScalarType(Class<?> held) {
    this.held = held;
  }

  /** The class of its values. */
  public Class<?> held() {
    return held;
  }
}
