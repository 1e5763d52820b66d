package dev.millrace.registry;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Passes requests for scores on to the scoring service, so that clients need one address. Scores
 * are computed in that process: native code that crashes must not take the registry along.
 */
final class ScoringForward {

  static final int BODY_BYTES_MAX = 1 << 20;

  private static final Logger LOG = LoggerFactory.getLogger(ScoringForward.class);

  /** Requests under way; what they hold of the heap is bounded by it. */
  private static final int UNDER_WAY_MAX = 32;

  private static final Duration CONNECT_PATIENCE = Duration.ofSeconds(2);

  /** The service itself gives up before. */
  private static final Duration PATIENCE = Duration.ofSeconds(12);

  private final @Nullable URI service;
  private final Semaphore underWay = new Semaphore(UNDER_WAY_MAX);
  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(CONNECT_PATIENCE)
          .build();

  /**
   * Forwards to a service.
   *
   * @param service its address; null where there is none, then every request is told so
   */
  ScoringForward(@Nullable URI service) {
    this.service = service;
  }

  /** Answers what the service answers. */
  void forward(Context context) throws IOException {
    URI to = service;
    if (to == null) {
      unavailable(context, "no scoring service belongs to this registry; start it with --scoring");
      return;
    }
    byte[] body = read(context.bodyInputStream());
    if (body.length > BODY_BYTES_MAX) {
      error(context, 413, "the body has more than " + BODY_BYTES_MAX + " bytes");
      return;
    }
    if (!underWay.tryAcquire()) {
      unavailable(context, UNDER_WAY_MAX + " requests are under way; come again in a second");
      return;
    }
    boolean sent = false;
    try {
      HttpRequest request;
      try {
        request = request(context, to, body);
      } catch (IllegalArgumentException e) {
        error(
            context,
            400,
            "the path, the query or the content type is malformed: " + e.getMessage());
        return;
      }
      CompletableFuture<HttpResponse<byte[]>> answer =
          client
              .sendAsync(request, HttpResponse.BodyHandlers.ofByteArray())
              .whenComplete((done, e) -> underWay.release());
      sent = true;
      CompletableFuture<Context> written =
          answer.handle(
              (done, e) -> {
                if (e == null) {
                  write(context, done);
                } else {
                  failed(context, to, e);
                }
                return context;
              });
      context.future(() -> written);
    } finally {
      if (!sent) {
        underWay.release();
      }
    }
  }

  /** One byte more than may be, where there is more. */
  private static byte[] read(InputStream in) throws IOException {
    byte[] body = in.readNBytes(BODY_BYTES_MAX + 1);
    if (body.length > BODY_BYTES_MAX) {
      // So that the client gets to read the answer.
      var unusedSkipped = in.skip(8L * BODY_BYTES_MAX);
    }
    return body;
  }

  private static HttpRequest request(Context context, URI to, byte[] body) {
    String query = context.queryString();
    // The path as it came: what was escaped stays so.
    URI uri = URI.create(to + context.req().getRequestURI() + (query == null ? "" : "?" + query));
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri)
            .timeout(PATIENCE)
            .method(
                context.method().name(),
                body.length == 0
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofByteArray(body));
    String type = context.contentType();
    return (type == null ? request : request.header("Content-Type", type)).build();
  }

  private static void write(Context context, HttpResponse<byte[]> answer) {
    context
        .status(answer.statusCode())
        .contentType(answer.headers().firstValue("Content-Type").orElse("application/json"))
        .result(answer.body());
    answer.headers().firstValue("Retry-After").ifPresent(s -> context.header("Retry-After", s));
  }

  private static void failed(Context context, URI to, Throwable thrown) {
    Throwable e =
        thrown instanceof CompletionException && thrown.getCause() != null
            ? thrown.getCause()
            : thrown;
    LOG.warn("Cannot pass {} on to {}: {}", context.path(), to, e.toString());
    unavailable(
        context,
        "the scoring service at "
            + to
            + (e instanceof ConnectException ? " does not answer" : " did not answer: " + e)
            + "; see ./millrace status");
  }

  private static void unavailable(Context context, String why) {
    context.header("Retry-After", "1");
    error(context, 503, "Cannot score on request: " + why);
  }

  private static void error(Context context, int status, String message) {
    context
        .status(status)
        .contentType("application/json")
        .result(JsonNodeFactory.instance.objectNode().put("error", message).toString());
  }
}
