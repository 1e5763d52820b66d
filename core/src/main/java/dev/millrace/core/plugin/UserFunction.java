package dev.millrace.core.plugin;

/** What every function of a user says of itself. */
interface UserFunction {

  String name();

  int version();

  /** Its class and jar, for messages. */
  String origin();
}
