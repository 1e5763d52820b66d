package dev.millrace.inference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Project;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.platform.RunningViews;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A model {@code risk} of a small project, with ONNX files that a test makes itself. */
final class RiskModel {

  static final long NOON = 1_700_000_000_000L;

  private RiskModel() {}

  /**
   * A plan for the model over one source.
   *
   * @param views entities and feature views, or nothing
   * @param model its inputs, and what else is said of it
   */
  static ScoringPlan plan(String source, String schema, String views, String model)
      throws IOException {
    String yaml =
        """
        project: small
        sources:
          - {name: %1$s, schema: %1$s.avsc, event-id: id, event-time: at, archive: false}
        %2$s
        models:
          - name: risk
            source: %1$s
            execution: {provider: cpu, max-rows: 16}
        %3$s"""
            .formatted(source, views, model.indent(4));
    Project project = Definitions.read(Map.of("millrace.yaml", yaml, source + ".avsc", schema));
    Map<String, ViewIdentity> identities = new HashMap<>();
    project.featureViews().forEach(v -> identities.put(v.name(), new ViewIdentity(1, v.id())));
    return ScoringPlan.of(
        project, project.models().get(0), RunningViews.only(project, identities), false, "test");
  }

  /** An event so many milliseconds after noon; the first of its values is its id. */
  static Inbound event(int number, @Nullable Object... values) {
    long atMillis = NOON + number;
    return new Inbound(
        new Event(0, number, atMillis, atMillis, String.valueOf(values[0]), values, null, null),
        null);
  }

  /** A version that serves, with its file in the folder. */
  static DeploymentRecord version(Path folder, long offset, int number, byte[] onnx)
      throws Exception {
    Path file = folder.resolve(number + ".onnx");
    Files.write(file, onnx);
    String sha256 = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(onnx));
    return new DeploymentRecord(
        new Deployment(
            "risk",
            "d" + number,
            Deployment.State.EFFECTIVE,
            null,
            new DeployedVersion(number, file.toUri().toString(), sha256),
            null,
            0,
            List.of(),
            NOON),
        0,
        offset);
  }

  /** Answers on request, on a free port. */
  static final class Service implements AutoCloseable {

    private final OnRequestModels models =
        new OnRequestModels(
            new OnRequestEnds(
                new FakeStore(),
                new OnnxModels(),
                new LoaderThread(),
                new WaitClock.OfSystem(),
                () -> NOON + 1_000));
    private final ScoringApi api = ScoringApi.start("127.0.0.1", 0, models);

    Service(ScoringPlan plan, DeploymentRecord version) {
      models.applied(Map.of("risk", plan), Map.of());
      models.deployed(version);
      models.becomeReady();
    }

    /** Gets, or posts a body, in which quotes may be written as apostrophes. */
    JsonNode send(String path, @Nullable String body) throws Exception {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + api.port() + path));
      if (body != null) {
        request.POST(
            HttpRequest.BodyPublishers.ofString(body.replace('\'', '"'), StandardCharsets.UTF_8));
      }
      return new JsonMapper()
          .readTree(
              HttpClient.newHttpClient()
                  .send(request.build(), HttpResponse.BodyHandlers.ofString())
                  .body());
    }

    /** Asks for scores of rows that are given input by input. */
    JsonNode infer(String inputs) throws Exception {
      return send("/v2/models/risk/infer", "{'inputs':[" + inputs + "]}");
    }

    @Override
    public void close() throws Exception {
      api.close();
      models.close();
    }
  }
}
