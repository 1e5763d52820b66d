package dev.millrace.registry;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.tracking.TrackingEntry;
import dev.millrace.registry.access.AccessToken;
import dev.millrace.registry.access.Authentication;
import dev.millrace.registry.access.LiveTokens;
import dev.millrace.registry.access.Projects;
import dev.millrace.registry.access.Role;
import dev.millrace.registry.access.TokenFile;
import dev.millrace.registry.artifacts.ArtifactFolder;
import dev.millrace.registry.artifacts.ArtifactRoutes;
import dev.millrace.registry.artifacts.RunFiles;
import dev.millrace.registry.mlflow.MlflowCatalog;
import dev.millrace.registry.mlflow.MlflowRoutes;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import dev.millrace.registry.tracking.DriverTracking;
import dev.millrace.registry.tracking.MlflowTracking;
import dev.millrace.registry.tracking.RunArtifacts;
import dev.millrace.registry.tracking.TrackingEvents;
import dev.millrace.registry.transfer.TransferLimits;
import dev.millrace.registry.transfer.TransferRoutes;
import dev.millrace.registry.transfer.TransferredJournal;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** All that the registry answers, behind its tokens, over topologies without a broker. */
final class GuardedRegistry implements AutoCloseable {

  static final Instant NOW = Instant.parse("2030-01-15T00:00:00Z");
  static final String MLFLOW = "/api/2.0/mlflow/";
  private static final Duration IMPORT_PATIENCE = Duration.ofMillis(200);

  final DriverCatalogue catalogue;
  final DriverTracking tracking;
  final Map<String, Set<String>> defining = new ConcurrentHashMap<>();
  final Path tokens;

  /** How many events of imports are taken before the broker is gone. */
  final AtomicInteger imports = new AtomicInteger(Integer.MAX_VALUE);

  /** Told of each event that an import asks for, before it does. */
  volatile Consumer<Object> beforeEach = event -> {};

  private final RegistryApi api;
  private final String scheme;
  private final HttpClient client = HttpClient.newHttpClient();

  GuardedRegistry(Path folder, @Nullable Keystore keystore) throws IOException {
    this(folder, keystore, TransferLimits.of(MlflowTracking.bytesMax()));
  }

  GuardedRegistry(Path folder, @Nullable Keystore keystore, TransferLimits limits)
      throws IOException {
    tokens = folder.resolve("tokens.yaml");
    add("ada", Role.ADMIN, Projects.ALL);
    catalogue = new DriverCatalogue(folder.resolve("catalogue"));
    tracking = new DriverTracking(folder.resolve("tracking"));
    ArtifactFolder files = new ArtifactFolder(folder.resolve("files"));
    Endpoints endpoints = new Endpoints();
    MlflowCatalog.addTo(endpoints, catalogue, Clock.systemUTC());
    MlflowTracking.addTo(endpoints, tracking, Clock.systemUTC());
    RunFiles.addTo(endpoints, files, RunArtifacts.of(tracking));
    ProjectRules rules =
        new ProjectRules(
            catalogue, tracking, model -> defining.getOrDefault(model, Set.of()), () -> true);
    LiveTokens live = LiveTokens.open(tokens);
    Listening listening = new Listening("127.0.0.1", 0, keystore);
    scheme = listening.scheme();
    api =
        RegistryApi.start(
            listening,
            new CatalogueStates(catalogue),
            new ScoringForward(null),
            server -> {
              AccessControl.addTo(
                  server, new Authentication(live, Clock.fixed(NOW, ZoneOffset.UTC)));
              MlflowRoutes.add(server, endpoints.all(), () -> true, rules);
              ArtifactRoutes.add(server, files, rules);
              new TransferRoutes(
                      List.of(
                          new TransferredJournal<LifecycleEntry>(
                              new LifecycleEvents(),
                              () -> catalogue.events()::forEach,
                              (event, actor) -> bring(event, () -> catalogue.bring(event, actor))),
                          new TransferredJournal<TrackingEntry>(
                              new TrackingEvents(),
                              () -> tracking.events()::forEach,
                              (event, actor) -> bring(event, () -> tracking.bring(event, actor)))),
                      folder.getFileName().toString(),
                      Clock.fixed(NOW, ZoneOffset.UTC),
                      limits,
                      IMPORT_PATIENCE,
                      () -> true,
                      folder.resolve("transfer"))
                  .addTo(server);
            });
  }

  private <E> CompletableFuture<E> bring(E event, Supplier<CompletableFuture<E>> taking) {
    beforeEach.accept(event);
    return imports.getAndDecrement() > 0
        ? taking.get()
        : CompletableFuture.failedFuture(new IOException("no broker"));
  }

  /** The token of a name: in tests it is the name itself, as a digest knows no difference. */
  void add(String name, Role role, String... projects) throws IOException {
    add(name, role, null, projects);
  }

  void add(String name, Role role, @Nullable Instant expires, String... projects)
      throws IOException {
    TokenFile.add(
        tokens,
        new AccessToken(
            name, AccessToken.sha256(secret(name)), role, Projects.of(List.of(projects)), expires));
  }

  static String secret(String name) {
    return "secret-of-" + name;
  }

  String url() {
    return scheme + "://127.0.0.1:" + api.port();
  }

  int port() {
    return api.port();
  }

  /** What a request of somebody is answered with; of nobody where the name is empty. */
  HttpResponse<String> send(String name, String method, String path, String body)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(url() + (path.startsWith("/") ? path : MLFLOW + path)))
            .method(
                method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
    if (!name.isEmpty()) {
      request.header("Authorization", "Bearer " + secret(name));
    }
    return client.send(request.build(), BodyHandlers.ofString());
  }

  HttpResponse<String> post(String name, String path, String body)
      throws IOException, InterruptedException {
    return send(name, "POST", path, body);
  }

  /** All of it in a file. */
  byte[] exported() throws IOException, InterruptedException {
    HttpResponse<byte[]> answer =
        client.send(
            HttpRequest.newBuilder(URI.create(url() + "/v1/export"))
                .header("Authorization", "Bearer " + secret("ada"))
                .build(),
            BodyHandlers.ofByteArray());
    if (answer.statusCode() != 200) {
      throw new AssertionError(new String(answer.body(), StandardCharsets.UTF_8));
    }
    return answer.body();
  }

  /** What becomes of a file. */
  HttpResponse<String> imported(String name, byte[] file) throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(URI.create(url() + "/v1/import"))
            .header("Authorization", "Bearer " + secret(name))
            .POST(BodyPublishers.ofByteArray(file))
            .build(),
        BodyHandlers.ofString());
  }

  @Override
  public void close() {
    api.close();
    catalogue.close();
    tracking.close();
  }
}
