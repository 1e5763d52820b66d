package dev.millrace.core.plugin;

/** What a column may hold, and the class in which a function gets its values. */
public enum ColumnKind {
  /** An int or a long: Long, or Double where the function takes {@link #REAL} too. */
  WHOLE,
  /** A float or a double: Double. */
  REAL,
  /** A string or an enum: String. */
  TEXT,
  /** A boolean: Boolean. */
  TRUTH,
  /** A timestamp: Long, epoch milliseconds. */
  TIME
}
