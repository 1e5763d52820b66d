package dev.millrace.registry.tracking;

import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import java.time.Clock;

/** The part of MLflow's interface that is about experiments, runs and logged models. */
public final class MlflowTracking {

  /** Adds its endpoints. */
  public static void addTo(Endpoints endpoints, Tracking tracking, Clock clock) {
    TrackingCommands commands = new TrackingCommands(tracking, clock);
    new Experiments(commands).addTo(endpoints);
    new Runs(commands).addTo(endpoints);
    new RunLogs(commands).addTo(endpoints);
    new Metrics(commands).addTo(endpoints);
  }

  private MlflowTracking() {}
}
