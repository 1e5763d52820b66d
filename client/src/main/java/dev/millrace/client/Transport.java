package dev.millrace.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;

/**
 * Sends requests, and sends one again where no answer came or the registry is not ready. A change
 * carries the same {@code Idempotency-Key} each time, so that it takes effect once.
 */
final class Transport {

  static final String MLFLOW = "/api/2.0/mlflow/";
  private static final String KEY = "Idempotency-Key";
  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration PAUSE_FIRST = Duration.ofMillis(100);
  private static final Duration PAUSE_MOST = Duration.ofSeconds(5);

  private final HttpClient client;
  private final Settings settings;

  private Transport(HttpClient client, Settings settings) {
    this.client = client;
    this.settings = settings;
  }

  static Transport of(Settings settings) {
    // Redirects are not followed: they could carry the token elsewhere.
    return new Transport(
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(settings.timeout())
            .build(),
        settings);
  }

  /** The same connections with other settings. */
  Transport with(Settings next) {
    return new Transport(client, next);
  }

  Settings settings() {
    return settings;
  }

  /** Something that is tried again where it fails in passing. */
  @FunctionalInterface
  interface Attempt<T> {
    T run() throws IOException, InterruptedException;
  }

  /** Reads. */
  JsonNode get(String what, String path) throws IOException, InterruptedException {
    return tried(what, () -> json(what, request(path).GET().build()));
  }

  /** Reads what is asked for in a body. */
  JsonNode search(String what, String path, ObjectNode body)
      throws IOException, InterruptedException {
    return tried(what, () -> json(what, bodied("POST", path, body).build()));
  }

  /** Changes something, once. */
  JsonNode change(String what, String method, String path, ObjectNode body)
      throws IOException, InterruptedException {
    return change(what, method, path, body, UUID.randomUUID().toString());
  }

  /**
   * The same.
   *
   * @param key says which change it is: one that was made under it is not made again
   */
  JsonNode change(String what, String method, String path, ObjectNode body, String key)
      throws IOException, InterruptedException {
    HttpRequest request = bodied(method, path, body).header(KEY, key).build();
    return tried(what, () -> json(what, request));
  }

  /** A request to a path of the registry that has its query already. */
  HttpRequest.Builder request(String path) {
    String base = settings.registry().toString().replaceAll("/+$", "");
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + path));
    String token = settings.token();
    if (token != null) {
      var unusedSame = request.header("Authorization", "Bearer " + token);
    }
    return request;
  }

  private HttpRequest.Builder bodied(String method, String path, ObjectNode body) {
    return request(path)
        .header("Content-Type", "application/json")
        .method(
            method, BodyPublishers.ofByteArray(body.toString().getBytes(StandardCharsets.UTF_8)));
  }

  private JsonNode json(String what, HttpRequest request) throws IOException, InterruptedException {
    long begin = System.nanoTime();
    HttpResponse<byte[]> response = send(request, BodyHandlers.ofByteArray(), () -> begin);
    if (response.statusCode() != 200) {
      throw refused(what, response, response.body());
    }
    try {
      if (JSON.readTree(response.body()) instanceof ObjectNode object) {
        return object;
      }
    } catch (JsonProcessingException e) {
      throw new IOException(noJson(what), e);
    }
    throw new IOException(noJson(what));
  }

  private String noJson(String what) {
    return "Cannot "
        + what
        + ": what "
        + settings.registry()
        + " answers is no JSON object, so it is no registry; correct the address";
  }

  /**
   * Sends once.
   *
   * @param moved when something was last heard or sent (nanoseconds): with nothing for the timeout
   *     it is given up
   */
  <T> HttpResponse<T> send(HttpRequest request, BodyHandler<T> handler, LongSupplier moved)
      throws IOException, InterruptedException {
    CompletableFuture<HttpResponse<T>> answer = client.sendAsync(request, handler);
    try {
      while (true) {
        long left = settings.timeout().toNanos() - (System.nanoTime() - moved.getAsLong());
        if (left <= 0) {
          throw new HttpTimeoutException(
              "no byte came or went for " + settings.timeout().toMillis() + " ms");
        }
        try {
          return answer.get(left, TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
          // Perhaps something has moved meanwhile: then it goes on.
        }
      }
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException failed) {
        throw failed;
      }
      throw new IOException(String.valueOf(e.getCause()), e);
    } catch (CancellationException e) {
      throw new IOException("the request was cancelled", e);
    } finally {
      // Nothing where it is done; else its connection is closed.
      var unusedDone = answer.cancel(true);
    }
  }

  /** What an answer that is not 200 says. */
  static RegistryException refused(String what, HttpResponse<?> response, byte[] body) {
    String code = "";
    String said = "";
    try {
      JsonNode told = JSON.readTree(body);
      code = told.path("error_code").asText("");
      said = told.path("message").asText(told.path("error").asText(""));
    } catch (IOException e) {
      // Somebody between here and the registry answered in other words.
      said = new String(body, StandardCharsets.UTF_8).strip();
    }
    return new RegistryException(
        what,
        response.statusCode(),
        code.isEmpty() ? RegistryException.codeOf(response.statusCode()) : code,
        said.isEmpty() ? "the answer says no more" : said,
        response
            .headers()
            .firstValue("Retry-After")
            .filter(after -> after.matches("\\d{1,4}"))
            .map(Integer::valueOf)
            .orElse(-1));
  }

  /**
   * Tries until it succeeds, is refused for good, or patience has come to its end.
   *
   * @throws RegistryException where the registry refuses
   * @throws IOException where it cannot be reached
   */
  <T> T tried(String what, Attempt<T> attempt) throws IOException, InterruptedException {
    Pace pace = settings.pace();
    long begin = pace.nanos();
    for (int tries = 1; ; tries++) {
      IOException failed;
      try {
        return attempt.run();
      } catch (RegistryException e) {
        if (!e.isTemporary()) {
          throw e;
        }
        failed = e;
      } catch (OtherBytesException | LocalFileException e) {
        throw e;
      } catch (IOException e) {
        failed = e;
      }
      Duration pause = pause(pace, failed, tries);
      Duration passed = Duration.ofNanos(pace.nanos() - begin);
      if (passed.plus(pause).compareTo(settings.patience()) > 0) {
        throw failed instanceof RegistryException refused
            ? refused
            : silent(what, tries, passed, failed);
      }
      pace.pause(pause);
    }
  }

  private static Duration pause(Pace pace, IOException failed, int tries) {
    if (failed instanceof RegistryException refused && refused.afterSeconds() >= 0) {
      return Duration.ofSeconds(refused.afterSeconds());
    }
    return pace.doubled(PAUSE_FIRST, PAUSE_MOST, tries - 1);
  }

  private IOException silent(String what, int tries, Duration passed, IOException last) {
    return new IOException(
        String.format(
            Locale.ROOT,
            "Cannot %s: %s gave no answer to %d tries in %.1f s (%s); see whether it runs, and"
                + " whether the address is right",
            what,
            settings.registry(),
            tries,
            passed.toMillis() / 1000.0,
            last.getMessage() == null ? last.getClass().getSimpleName() : last.getMessage()),
        last);
  }

  static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }
}
