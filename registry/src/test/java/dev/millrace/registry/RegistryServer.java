package dev.millrace.registry;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.registry.artifacts.ArtifactFolder;
import dev.millrace.registry.artifacts.ArtifactRoutes;
import dev.millrace.registry.artifacts.ArtifactStore;
import dev.millrace.registry.artifacts.RunFiles;
import dev.millrace.registry.mlflow.MlflowCatalog;
import dev.millrace.registry.mlflow.MlflowRoutes;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import dev.millrace.registry.tracking.DriverTracking;
import dev.millrace.registry.tracking.MlflowTracking;
import dev.millrace.registry.tracking.RunArtifacts;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;

/** All that the registry answers, over its own topologies and without a broker. */
public final class RegistryServer implements AutoCloseable {

  private final DriverCatalogue catalogue;
  private final DriverTracking tracking;
  private final Path artifacts;
  private final RegistryApi api;

  public RegistryServer(Path folder) throws IOException {
    this(folder, new ArtifactFolder(folder.resolve("artifacts")));
  }

  /**
   * @param files where what clients upload is kept
   */
  public RegistryServer(Path folder, ArtifactStore files) throws IOException {
    catalogue = new DriverCatalogue(folder.resolve("catalogue"));
    tracking = new DriverTracking(folder.resolve("tracking"));
    artifacts = folder.resolve("artifacts");
    Endpoints endpoints = new Endpoints();
    MlflowCatalog.addTo(endpoints, catalogue, Clock.systemUTC());
    MlflowTracking.addTo(endpoints, tracking, Clock.systemUTC());
    RunFiles.addTo(endpoints, files, RunArtifacts.of(tracking));
    api =
        RegistryApi.start(
            Listening.plainly("127.0.0.1", 0),
            new CatalogueStates(catalogue),
            new ScoringForward(null),
            server -> {
              MlflowRoutes.add(
                  server, endpoints.all(), () -> true, MlflowRoutes.Admission.EVERYBODY);
              ArtifactRoutes.add(server, files, ArtifactRoutes.Admission.EVERYBODY);
              new TimeTravel(this::history).addTo(server);
            });
  }

  private List<LifecycleEntry> history(String model) {
    return catalogue.events().stream().filter(e -> e.model().equals(model)).toList();
  }

  public URI address() {
    return URI.create("http://127.0.0.1:" + api.port());
  }

  public DriverCatalogue catalogue() {
    return catalogue;
  }

  public DriverTracking tracking() {
    return tracking;
  }

  /** Where the files are that clients put. */
  public Path artifacts() {
    return artifacts;
  }

  @Override
  public void close() {
    api.close();
    catalogue.close();
    tracking.close();
  }
}
