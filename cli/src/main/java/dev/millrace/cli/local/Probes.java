package dev.millrace.cli.local;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Predicate;

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

  /**
   * Whether the broker answers a request; it does so only once it has registered with its
   * controller. By hand, because the client costs more processor time than the rest of the wait.
   */
  static boolean kafka(int port) {
    try (Socket socket = new Socket()) {
      int patienceMillis = Math.toIntExact(PATIENCE.toMillis());
      socket.connect(StackPorts.loopback(port), patienceMillis);
      socket.setSoTimeout(patienceMillis);
      DataOutputStream out = new DataOutputStream(socket.getOutputStream());
      int correlation = 7;
      // ApiVersions, version 0, no client id: 10 bytes.
      out.writeInt(10);
      out.writeShort(18);
      out.writeShort(0);
      out.writeInt(correlation);
      out.writeShort(-1);
      out.flush();
      DataInputStream in = new DataInputStream(socket.getInputStream());
      return in.readInt() > 6 && in.readInt() == correlation && in.readShort() == 0;
    } catch (IOException e) {
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

  /** Whether a file was written to lately. */
  static boolean touched(Path file, Duration ageMax) {
    try {
      return Files.getLastModifiedTime(file).toInstant().isAfter(Instant.now().minus(ageMax));
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
