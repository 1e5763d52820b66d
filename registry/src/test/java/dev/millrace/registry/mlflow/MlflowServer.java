package dev.millrace.registry.mlflow;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.registry.DriverCatalogue;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import dev.millrace.registry.tracking.DriverTracking;
import dev.millrace.registry.tracking.MlflowTracking;
import io.javalin.Javalin;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Clock;
import java.util.function.Consumer;

/** MLflow's interface on a free port, over the registry's own topology. */
public final class MlflowServer implements AutoCloseable {

  private static final long BODY_BYTES_MAX = 8L * 1024 * 1024;
  private static final JsonMapper JSON = new JsonMapper();

  private final DriverCatalogue catalogue;
  private final DriverTracking tracking;
  private final Javalin server;
  private final HttpClient client = HttpClient.newHttpClient();

  public MlflowServer(Path folder) {
    this(folder, endpoints -> {});
  }

  /**
   * @param more adds endpoints of other parts
   */
  MlflowServer(Path folder, Consumer<Endpoints> more) {
    this.catalogue = new DriverCatalogue(folder.resolve("catalogue"));
    this.tracking = new DriverTracking(folder.resolve("tracking"));
    Endpoints endpoints = new Endpoints();
    MlflowCatalog.addTo(endpoints, catalogue, Clock.systemUTC());
    MlflowTracking.addTo(endpoints, tracking, Clock.systemUTC());
    more.accept(endpoints);
    this.server =
        Javalin.create(
            config -> {
              config.showJavalinBanner = false;
              config.http.maxRequestSize = BODY_BYTES_MAX;
            });
    MlflowRoutes.add(server, endpoints.all(), () -> true, MlflowRoutes.Admission.EVERYBODY);
    server.start("127.0.0.1", 0);
  }

  DriverCatalogue catalogue() {
    return catalogue;
  }

  public DriverTracking tracking() {
    return tracking;
  }

  public String url() {
    return "http://127.0.0.1:" + server.port();
  }

  /** An answer. */
  public record Answer(int status, JsonNode body) {
    /** What is at a path like {@code model_version.version}, as text. */
    public String at(String path) {
      return body.at("/" + path.replace('.', '/')).asText();
    }
  }

  public Answer get(String path) throws IOException, InterruptedException {
    return send(HttpRequest.newBuilder(uri(path)).GET());
  }

  public Answer send(String method, String path, String body)
      throws IOException, InterruptedException {
    return send(
        HttpRequest.newBuilder(uri(path))
            .header("Content-Type", "application/json")
            .method(method, BodyPublishers.ofString(body)));
  }

  public Answer post(String path, String body) throws IOException, InterruptedException {
    return send("POST", path, body);
  }

  /** A request that says which it is. */
  public Answer keyed(String key, String path, String body)
      throws IOException, InterruptedException {
    return send(
        HttpRequest.newBuilder(uri(path))
            .header(MlflowRoutes.IDEMPOTENCY_KEY, key)
            .method("POST", BodyPublishers.ofString(body)));
  }

  private URI uri(String path) {
    return URI.create(
        url()
            + (path.startsWith("/api") || path.startsWith("/ajax") ? "" : "/api/2.0/mlflow/")
            + path);
  }

  private Answer send(HttpRequest.Builder request) throws IOException, InterruptedException {
    HttpResponse<String> response = client.send(request.build(), BodyHandlers.ofString());
    return new Answer(response.statusCode(), JSON.readTree(response.body()));
  }

  @Override
  public void close() {
    server.stop();
    catalogue.close();
    tracking.close();
  }
}
