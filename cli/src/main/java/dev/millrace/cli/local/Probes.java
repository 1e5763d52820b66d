package dev.millrace.cli.local;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;

/** Asks each service in its own words whether it works. */
final class Probes {
  private static final Duration PATIENCE = Duration.ofSeconds(2);
  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(PATIENCE).build();

  private Probes() {}

  /** Whether something accepts connections. */
  static boolean listens(int port) {
    try (Socket socket = new Socket()) {
      socket.connect(StackPorts.loopback(port), Math.toIntExact(PATIENCE.toMillis()));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether the broker answers a question about its cluster. */
  static boolean kafka(int port) throws InterruptedException {
    if (!listens(port)) {
      return false;
    }
    try (Admin admin =
        Admin.create(
            Map.of(
                AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG,
                StackPorts.HOST + ":" + port,
                AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
                Math.toIntExact(PATIENCE.toMillis()),
                AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG,
                Math.toIntExact(PATIENCE.toMillis())))) {
      return !admin
          .describeCluster()
          .nodes()
          .get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
          .isEmpty();
    } catch (ExecutionException | TimeoutException e) {
      return false;
    }
  }

  /** Whether the server answers PING and is not still loading its data. */
  static boolean redis(int port) {
    try (Socket socket = new Socket()) {
      int patienceMillis = Math.toIntExact(PATIENCE.toMillis());
      socket.connect(StackPorts.loopback(port), patienceMillis);
      socket.setSoTimeout(patienceMillis);
      socket.getOutputStream().write("PING\r\n".getBytes(StandardCharsets.US_ASCII));
      byte[] answer = socket.getInputStream().readNBytes(5);
      return new String(answer, StandardCharsets.US_ASCII).equals("+PONG");
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether a GET is answered with 200 and a body that {@code body} accepts. */
  static boolean http(String url, Predicate<String> body) throws InterruptedException {
    try {
      HttpResponse<String> answer =
          HTTP.send(
              HttpRequest.newBuilder(URI.create(url)).timeout(PATIENCE).build(),
              HttpResponse.BodyHandlers.ofString());
      return answer.statusCode() == 200 && body.test(answer.body());
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether a PUT of a JSON body is answered with 200. */
  static boolean httpPut(String url, String json) throws InterruptedException {
    try {
      HttpResponse<String> answer =
          HTTP.send(
              HttpRequest.newBuilder(URI.create(url))
                  .timeout(PATIENCE)
                  .header("Content-Type", "application/json")
                  .PUT(HttpRequest.BodyPublishers.ofString(json))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      return answer.statusCode() == 200;
    } catch (IOException e) {
      return false;
    }
  }
}
