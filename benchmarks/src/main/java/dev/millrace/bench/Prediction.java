package dev.millrace.bench;

import org.jspecify.annotations.Nullable;

/** What {@code explain} says of a view before it runs. */
final class Prediction {

  /** Null as long as there is no prediction. */
  static @Nullable Double bytesPerKey(ViewSpec spec, Workload workload) {
    return null;
  }

  private Prediction() {}
}
