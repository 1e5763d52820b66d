package dev.millrace.client;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Answers as it is told to, one answer after the other; the last one again and again. */
final class ScriptedRegistry implements AutoCloseable {

  /**
   * One answer.
   *
   * @param promised how many bytes it says that its body has
   */
  private record Answer(int status, byte[] body, long promised, Map<String, String> headers) {}

  /** What was asked. */
  record Asked(String method, String path, Map<String, List<String>> headers, byte[] body) {
    String header(String name) {
      return headers.getOrDefault(name, List.of("")).get(0);
    }
  }

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Queue<Answer> answers = new ArrayDeque<>();
  private final List<Asked> asked = new ArrayList<>();

  ScriptedRegistry() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.setExecutor(threads);
    server.start();
  }

  ScriptedRegistry says(int status, String body) {
    return says(status, body.getBytes(StandardCharsets.UTF_8), Map.of());
  }

  ScriptedRegistry says(int status, byte[] body, Map<String, String> headers) {
    return cuts(status, body, body.length, headers);
  }

  /** The connection ends before all that is promised was sent. */
  synchronized ScriptedRegistry cuts(
      int status, byte[] body, long promised, Map<String, String> headers) {
    answers.add(new Answer(status, body, promised, headers));
    return this;
  }

  synchronized List<Asked> asked() {
    return List.copyOf(asked);
  }

  URI address() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  private synchronized Answer next(Asked request) {
    asked.add(request);
    Answer answer = answers.size() > 1 ? answers.remove() : answers.peek();
    if (answer == null) {
      throw new AssertionError("Nobody has said what is answered");
    }
    return answer;
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      byte[] body = exchange.getRequestBody().readAllBytes();
      Answer answer =
          next(
              new Asked(
                  exchange.getRequestMethod(),
                  exchange.getRequestURI().toString(),
                  Map.copyOf(exchange.getRequestHeaders()),
                  body));
      answer.headers.forEach((name, value) -> exchange.getResponseHeaders().add(name, value));
      exchange.sendResponseHeaders(answer.status, answer.promised == 0 ? -1 : answer.promised);
      OutputStream out = exchange.getResponseBody();
      out.write(answer.body);
      out.flush();
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
