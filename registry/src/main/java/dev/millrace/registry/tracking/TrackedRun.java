package dev.millrace.registry.tracking;

import dev.millrace.core.tracking.Run;
import dev.millrace.core.tracking.RunMetrics;

/** A run with its metrics. */
public record TrackedRun(Run run, RunMetrics metrics) {

  public String id() {
    return run.id();
  }
}
