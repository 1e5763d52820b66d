package dev.millrace.registry;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.millrace.core.lifecycle.ModelState;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Requests for scores at the registry's port, with a service that says what it was asked. */
@Timeout(60)
class ScoringForwardTest {

  private final List<String> asked = Collections.synchronizedList(new ArrayList<>());
  private final HttpServer service;
  private final RegistryApi api;
  private final HttpClient client = HttpClient.newHttpClient();

  ScoringForwardTest() throws IOException {
    service = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    service.createContext(
        "/",
        exchange -> {
          asked.add(
              exchange.getRequestMethod()
                  + " "
                  + exchange.getRequestURI()
                  + " "
                  + new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
          byte[] answer = "{\"error\":\"come again\"}".getBytes(StandardCharsets.UTF_8);
          exchange.getResponseHeaders().add("Retry-After", "7");
          exchange.getResponseHeaders().add("Content-Type", "application/json");
          exchange.sendResponseHeaders(503, answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
    service.start();
    api = start(URI.create("http://127.0.0.1:" + service.getAddress().getPort()));
  }

  private static RegistryApi start(URI scoring) {
    return RegistryApi.start(
        Listening.plainly("127.0.0.1", 0),
        new NoStates(),
        new ScoringForward(scoring),
        server -> {});
  }

  @AfterEach
  void close() {
    api.close();
    service.stop(0);
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + api.port() + path));
  }

  private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static HttpRequest.BodyPublisher body(String text) {
    return HttpRequest.BodyPublishers.ofString(text);
  }

  @Test
  void bothFamiliesGoOnAsTheyAre() throws Exception {
    HttpResponse<String> answer =
        send(request("/v1/models/a/score").POST(body("{\"flight_id\":\"ş\"}")));
    assertThat(answer.statusCode()).isEqualTo(503);
    assertThat(answer.body()).isEqualTo("{\"error\":\"come again\"}");
    assertThat(answer.headers().firstValue("Retry-After")).contains("7");
    assertThat(answer.headers().firstValue("Content-Type")).contains("application/json");
    send(request("/v2"));
    send(request("/v2/models/a%2Fb/versions/3?x=1"));
    send(request("/v2/models/a/infer").POST(body("{}")));
    assertThat(asked)
        .containsExactly(
            "POST /v1/models/a/score {\"flight_id\":\"ş\"}",
            "GET /v2 ",
            "GET /v2/models/a%2Fb/versions/3?x=1 ",
            "POST /v2/models/a/infer {}");
  }

  @Test
  void aBodyThatIsTooLargeGoesNowhere() throws Exception {
    HttpResponse<String> answer =
        send(
            request("/v2/models/a/infer")
                .POST(body(" ".repeat(ScoringForward.BODY_BYTES_MAX + 1))));
    assertThat(answer.statusCode()).isEqualTo(413);
    assertThat(asked).isEmpty();
  }

  @Test
  void aServiceThatIsAwayIsNamed() throws Exception {
    service.stop(0);
    HttpResponse<String> answer = send(request("/v2/health/ready"));
    assertThat(answer.statusCode()).isEqualTo(503);
    assertThat(answer.body())
        .contains(
            "the scoring service at http://127.0.0.1:" + service.getAddress().getPort(),
            "does not answer; see ./millrace status");
    assertThat(answer.headers().firstValue("Retry-After")).contains("1");
  }

  @Test
  void withoutAServiceThatIsSaid() throws Exception {
    try (RegistryApi alone =
        RegistryApi.start(
            Listening.plainly("127.0.0.1", 0),
            new NoStates(),
            new ScoringForward(null),
            server -> {})) {
      HttpResponse<String> answer =
          send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + alone.port() + "/v2")));
      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(answer.body()).contains("no scoring service belongs to this registry");
    }
  }

  private static final class NoStates implements RegistryApi.States {
    @Override
    public String condition() {
      return "RUNNING";
    }

    @Override
    public boolean isRunning() {
      return true;
    }

    @Override
    public Collection<String> models() {
      return List.of();
    }

    @Override
    public Optional<ModelState> model(String name) {
      return Optional.empty();
    }
  }
}
