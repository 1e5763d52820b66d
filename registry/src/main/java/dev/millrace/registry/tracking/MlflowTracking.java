package dev.millrace.registry.tracking;

import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import java.time.Clock;

/** The part of MLflow's interface that is about experiments, runs and logged models. */
public final class MlflowTracking {

  private static final double OF_MEMORY = 0.4;

  /** Adds its endpoints; a part of the process's memory is for what they keep. */
  public static void addTo(Endpoints endpoints, Tracking tracking, Clock clock) {
    addTo(endpoints, tracking, clock, bytesMax());
  }

  /** Of the process's memory, for experiments, runs and logged models. */
  public static long bytesMax() {
    return (long) (Runtime.getRuntime().maxMemory() * OF_MEMORY);
  }

  static void addTo(Endpoints endpoints, Tracking tracking, Clock clock, long bytesMax) {
    TrackingCommands commands = new TrackingCommands(tracking, clock, bytesMax);
    new Experiments(commands).addTo(endpoints);
    new Runs(commands).addTo(endpoints);
    new RunLogs(commands).addTo(endpoints);
    new RunLinks(commands).addTo(endpoints);
    new Metrics(commands).addTo(endpoints);
    new LoggedModels(commands).addTo(endpoints);
  }

  private MlflowTracking() {}
}
