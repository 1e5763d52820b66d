package dev.millrace.registry.mlflow;

import dev.millrace.registry.Catalogue;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import java.time.Clock;

/** The part of MLflow's interface that is about registered models. */
public final class MlflowCatalog {

  /** Adds its endpoints. */
  public static void addTo(Endpoints endpoints, Catalogue catalogue, Clock clock) {
    CatalogCommands commands = new CatalogCommands(catalogue, clock);
    new RegisteredModels(commands).addTo(endpoints);
    new ModelVersions(commands).addTo(endpoints);
  }

  private MlflowCatalog() {}
}
