package dev.millrace.bench;

import dev.millrace.core.definition.Project;
import dev.millrace.core.feature.SupposedLoad;
import dev.millrace.core.feature.ViewCost;
import java.time.Duration;

/** What {@code explain --events-per-key-per-day} says of a view before it runs. */
final class Prediction {

  private static final long SEED = 1;
  private static final int HOURS = 24;

  static double bytesPerKey(ViewSpec spec, Workload workload) {
    Project project = spec.project();
    return ViewCost.of(
            project.featureViews().get(0),
            Duration.ZERO,
            SupposedLoad.of(
                project.featureViews().get(0),
                project.sources().get(0).schema(),
                workload.eventsPerKeyHour() * HOURS,
                SEED))
        .state()
        .mean();
  }

  private Prediction() {}
}
