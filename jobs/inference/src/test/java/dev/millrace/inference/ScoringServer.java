package dev.millrace.inference;

import static dev.millrace.inference.Flights.ARRIVALS_VERSION;
import static dev.millrace.inference.Flights.DELAY;
import static dev.millrace.inference.Flights.DISTANCE;
import static dev.millrace.inference.Flights.NOON;
import static dev.millrace.inference.Flights.departure;
import static dev.millrace.inference.Flights.plan;
import static dev.millrace.inference.Flights.timeMillis;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.Deployment.State;
import dev.millrace.streaming.Event;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The service on a free port, on the real model of {@link OnnxModelsTest}. */
final class ScoringServer implements AutoCloseable {

  static final JsonMapper JSON = new JsonMapper();
  private static final String OF_ARRIVALS = "features:{origin:JFK}:origin_delays";

  private final FakeStore store = new FakeStore();
  private final HttpClient client = HttpClient.newHttpClient();
  private OnRequestModels models = models(new OnnxModels());
  private ScoringApi api = ScoringApi.start("127.0.0.1", 0, models);

  FakeStore store() {
    return store;
  }

  HttpClient client() {
    return client;
  }

  OnRequestModels models() {
    return models;
  }

  private OnRequestModels models(ModelLoader loader) {
    return models(loader, new WaitClock.OfSystem());
  }

  OnRequestModels models(ModelLoader loader, WaitClock clock) {
    return new OnRequestModels(
        new OnRequestEnds(store, loader, new LoaderThread(), clock, () -> NOON + 100_000));
  }

  void use(ModelLoader loader) {
    close();
    models = models(loader);
    api = ScoringApi.start("127.0.0.1", 0, models);
  }

  record Answer(int status, JsonNode body, HttpResponse<String> response) {}

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + api.port() + path));
  }

  private Answer send(HttpRequest request) throws Exception {
    HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
    return new Answer(response.statusCode(), JSON.readTree(response.body()), response);
  }

  Answer get(String path) throws Exception {
    return send(request(path).build());
  }

  Answer post(String path, String body) throws Exception {
    return send(request(path).POST(HttpRequest.BodyPublishers.ofString(body)).build());
  }

  /** Applies the model with the real version 1 and reads the topics to their end. */
  void serve() {
    models.applied(Map.of("delay_risk", plan(null, DELAY, DISTANCE)), Map.of());
    models.deployed(sigmoid(0, 1));
    models.becomeReady();
    store.row(
        OF_ARRIVALS,
        timeMillis(1) - 1_000,
        "0:5",
        ARRIVALS_VERSION,
        "count_1h",
        "3",
        "delay_mean_1h",
        "10");
  }

  static DeploymentRecord sigmoid(long offset, int version) {
    return new DeploymentRecord(
        new Deployment(
            "delay_risk",
            "d" + version,
            State.EFFECTIVE,
            null,
            new DeployedVersion(version, OnnxModelsTest.uri(), OnnxModelsTest.SHA256),
            null,
            0,
            List.of(),
            NOON),
        2,
        offset);
  }

  static String json(Event event) {
    ObjectNode fields = JSON.createObjectNode();
    for (var field : Flights.DEPARTURE.getFields()) {
      fields.set(field.name(), JSON.valueToTree(event.values()[field.pos()]));
    }
    return fields.toString();
  }

  static String json(long offset, @Nullable String origin, @Nullable Double distance) {
    return json(Objects.requireNonNull(departure(offset, origin, distance).event()));
  }

  static InferRequest inferRequest() throws Exception {
    return InferRequest.read(
        "{\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],\"datatype\":\"FP32\",\"data\":[[10,1000]]}]}"
            .getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public void close() {
    api.close();
    models.close();
  }
}
