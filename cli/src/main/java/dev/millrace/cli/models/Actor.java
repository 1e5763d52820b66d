package dev.millrace.cli.models;

/** Who acts, as journals say it. */
final class Actor {

  static String name() {
    return System.getProperty("user.name", "unknown");
  }

  private Actor() {}
}
