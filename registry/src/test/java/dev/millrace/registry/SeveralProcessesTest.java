package dev.millrace.registry;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.catalog.VersionPlace;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.registry.journal.Progress;
import dev.millrace.registry.mlflow.MlflowCatalog;
import dev.millrace.registry.mlflow.MlflowRoutes;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One process of two: what the other one has acknowledged is not read here yet. */
class SeveralProcessesTest {

  private static final JsonMapper JSON = new JsonMapper();

  private final HttpClient client = HttpClient.newHttpClient();
  private final AtomicInteger catchUps = new AtomicInteger();
  private final DriverCatalogue decided;
  private volatile boolean behind = true;
  private RegistryApi api;

  SeveralProcessesTest(@TempDir Path folder) {
    this.decided = new DriverCatalogue(folder);
  }

  /** Knows nothing as long as it is behind. */
  private final class Behind implements Catalogue {
    @Override
    public Optional<CataloguedModel> model(String name) {
      return behind ? Optional.empty() : decided.model(name);
    }

    @Override
    public Collection<CataloguedModel> models() {
      return behind ? List.of() : decided.models();
    }

    @Override
    public Set<VersionPlace> versionsWithTag(String key, String value) {
      return behind ? Set.of() : decided.versionsWithTag(key, value);
    }

    @Override
    public Set<VersionPlace> versionsOfRun(String run) {
      return behind ? Set.of() : decided.versionsOfRun(run);
    }

    @Override
    public LifecycleEntry submit(LifecycleEntry command) {
      LifecycleEntry event = decided.submit(command);
      // It has come that far to see the answer.
      behind = false;
      return event;
    }
  }

  private final class CatchingUp implements Progress {
    @Override
    public boolean isCaughtUp() {
      return true;
    }

    @Override
    public void catchUp() {
      int unusedCount = catchUps.incrementAndGet();
      behind = false;
    }
  }

  @BeforeEach
  void start() {
    Catalogue here = new Behind();
    Endpoints endpoints = new Endpoints();
    MlflowCatalog.addTo(endpoints, here, Clock.systemUTC());
    Progress progress = new CatchingUp();
    api =
        RegistryApi.start(
            Listening.plainly("127.0.0.1", 0),
            new CatalogueStates(here),
            new ScoringForward(null),
            server -> {
              FreshReads.addTo(server, progress);
              MlflowRoutes.add(server, endpoints.all(), progress, MlflowRoutes.Admission.EVERYBODY);
            });
    // By the other process.
    LifecycleEntry unusedEvent =
        decided.submit(
            new LifecycleEntry(
                "fraud",
                LifecycleEntry.Kind.COMMAND,
                LifecycleEntry.Command.CREATE_MODEL.name(),
                null,
                "ada",
                "",
                1,
                "k1",
                null,
                null,
                "{\"tags\": {}}"));
    behind = true;
  }

  @AfterEach
  void close() {
    api.close();
    decided.close();
  }

  private HttpResponse<String> send(String path, String body, String... headers) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + api.port() + path));
    if (headers.length > 0) {
      request.headers(headers);
    }
    if (!body.isEmpty()) {
      request.POST(BodyPublishers.ofString(body));
    }
    return client.send(request.build(), BodyHandlers.ofString());
  }

  @Test
  void whatIsMissingIsLookedForAgain() throws Exception {
    HttpResponse<String> version =
        send(
            "/api/2.0/mlflow/model-versions/create",
            "{\"name\": \"fraud\", \"source\": \"s3://there\"}");
    assertThat(version.statusCode()).as(version.body()).isEqualTo(200);
    assertThat(catchUps).hasValue(1);
    assertThat(decided.events()).hasSize(2);
    behind = true;
    HttpResponse<String> found = send("/api/2.0/mlflow/registered-models/get?name=fraud", "");
    assertThat(found.statusCode()).isEqualTo(200);
    assertThat(catchUps).hasValue(2);
  }

  @Test
  void whatNobodyHasIsStillMissing() throws Exception {
    HttpResponse<String> none = send("/api/2.0/mlflow/registered-models/get?name=none", "");
    assertThat(none.statusCode()).isEqualTo(404);
    assertThat(JSON.readTree(none.body()).path("error_code").asText())
        .isEqualTo("RESOURCE_DOES_NOT_EXIST");
    assertThat(catchUps).hasValue(1);
  }

  @Test
  void aCommandThatWasRefusedIsNotGivenTwice() throws Exception {
    HttpResponse<String> tag =
        send(
            "/api/2.0/mlflow/registered-models/set-tag",
            "{\"name\": \"none\", \"key\": \"k\", \"value\": \"v\"}");
    assertThat(tag.statusCode()).isEqualTo(404);
    assertThat(decided.events()).hasSize(2);
    assertThat(catchUps).hasValue(0);
  }

  @Test
  void whoWantsNoCacheSeesWhatOthersHaveAcknowledged() throws Exception {
    assertThat(send("/v1/models", "").body()).isEqualTo("{\"models\":[]}");
    assertThat(send("/v1/models", "", "Cache-Control", "no-cache").body())
        .isEqualTo("{\"models\":[\"fraud\"]}");
    assertThat(send("/v1/health", "", "Cache-Control", "no-cache").statusCode()).isEqualTo(200);
    assertThat(catchUps).hasValue(1);
  }
}
