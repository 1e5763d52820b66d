package dev.millrace.inference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.streaming.DeadLetter;
import io.javalin.Javalin;
import io.javalin.http.Context;
import io.javalin.http.Handler;
import io.javalin.http.HandlerType;
import io.javalin.util.JavalinBindException;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the scoring service answers over HTTP. No thread waits for a score: a request's thread hands
 * it to its model and goes, and an answer is written by another thread than the one that scores.
 */
final class ScoringApi implements AutoCloseable {

  static final int BODY_BYTES_MAX = 1 << 20;

  private static final Logger LOG = LoggerFactory.getLogger(ScoringApi.class);
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private static final int THREADS_MAX = 16;
  private static final int THREADS_MIN = 3;

  /** What requests that wait may hold of the heap together, for all models. */
  private static final int BODIES_BYTES_MAX = 8 << 20;

  /** What of a body that is too large is read away, so that the client gets to read the answer. */
  private static final int DRAINED_BYTES_MAX = 8 << 20;

  private static final String RETRY_SECONDS = "1";
  private static final String ROUTE = "millrace.route";
  private static final String BEGUN = "millrace.begun";

  private final OnRequestModels models;
  private final QueuedThreadPool threads = new QueuedThreadPool(THREADS_MAX, THREADS_MIN);
  private final RequestMetrics metrics = new RequestMetrics();
  private final Semaphore bodies = new Semaphore(BODIES_BYTES_MAX);
  private final Javalin server;

  private ScoringApi(OnRequestModels models) {
    this.models = models;
    this.server =
        Javalin.create(
            config -> {
              config.showJavalinBanner = false;
              config.startupWatcherEnabled = false;
              config.jetty.threadPool = threads;
              config.requestLogger.http((context, unusedMillis) -> answered(context));
            });
    server.before(context -> context.attribute(BEGUN, System.nanoTime()));
    routes();
    server.exception(RequestRefusedException.class, (e, context) -> refuse(context, e));
    server.exception(Exception.class, (e, context) -> fail(context, e));
    server.error(
        RequestRefusedException.NOT_FOUND,
        context -> {
          if (context.attribute(ROUTE) == null) {
            send(
                context, RequestRefusedException.NOT_FOUND, error("there is no " + context.path()));
          }
        });
  }

  /**
   * Answers from now on.
   *
   * @param port 0 for any that is free
   * @throws IllegalStateException where the port is taken
   */
  static ScoringApi start(String host, int port, OnRequestModels models) {
    ScoringApi api = new ScoringApi(models);
    try {
      var unusedServer = api.server.start(host, port);
      return api;
    } catch (JavalinBindException e) {
      throw new IllegalStateException(
          "Cannot listen on %s:%d: %s; end what listens there"
              .formatted(host, port, e.getMessage()),
          e);
    }
  }

  int port() {
    return server.port();
  }

  @Override
  public void close() {
    server.stop();
  }

  private void routes() {
    route(HandlerType.GET, "/v1/health", this::health);
    route(HandlerType.GET, "/metrics", this::metrics);
    route(HandlerType.POST, "/v1/models/{model}/score", this::score);
    route(HandlerType.GET, "/v2", context -> send(context, 200, ProtocolJson.server()));
    route(
        HandlerType.GET,
        "/v2/health/live",
        context -> send(context, 200, ProtocolJson.health(true)));
    route(HandlerType.GET, "/v2/health/ready", this::serverReady);
    for (String version : List.of("", "/versions/{version}")) {
      String path = "/v2/models/{model}" + version;
      route(HandlerType.GET, path, this::metadata);
      route(HandlerType.GET, path + "/ready", this::modelReady);
      route(HandlerType.POST, path + "/infer", this::infer);
    }
  }

  private void route(HandlerType method, String path, Handler handler) {
    server.addHttpHandler(
        method,
        path,
        context -> {
          context.attribute(ROUTE, path);
          handler.handle(context);
        });
  }

  private void answered(Context context) {
    String route = context.attribute(ROUTE);
    Long begun = context.attribute(BEGUN);
    metrics.answered(
        route == null ? "other" : route,
        context.statusCode(),
        begun == null ? 0 : System.nanoTime() - begun);
  }

  private void health(Context context) {
    boolean ready = models.isReady();
    send(
        context,
        ready ? 200 : RequestRefusedException.UNAVAILABLE,
        NODES.objectNode().put("status", ready ? "UP" : "STARTING"));
  }

  private void metrics(Context context) {
    context
        .contentType("text/plain; version=0.0.4")
        .result(
            metrics.text(
                models.figures(OnRequestModel::waiting),
                models.figures(OnRequestModel::runsEnded)));
  }

  private void serverReady(Context context) {
    boolean ready = models.isReady();
    send(context, ready ? 200 : RequestRefusedException.UNAVAILABLE, ProtocolJson.health(ready));
  }

  private void metadata(Context context) throws RequestRefusedException {
    String name = context.pathParam("model");
    answer(
        context,
        models.model(name).describe(version(context)),
        (described, to) -> send(to, 200, ProtocolJson.metadata(name, described)));
  }

  private void modelReady(Context context) throws RequestRefusedException {
    String name = context.pathParam("model");
    CompletableFuture<Boolean> ready =
        models
            .model(name)
            .describe(version(context))
            .handle(
                (described, e) -> {
                  if (e instanceof RequestRefusedException refused
                      && refused.status() != RequestRefusedException.UNAVAILABLE) {
                    throw new CompletionException(refused);
                  }
                  return e == null;
                });
    answer(
        context,
        ready,
        (yes, to) ->
            send(
                to,
                yes ? 200 : RequestRefusedException.UNAVAILABLE,
                NODES.objectNode().put("name", name).put("ready", yes)));
  }

  private void infer(Context context) throws IOException, RequestRefusedException {
    String name = context.pathParam("model");
    OnRequestModel model = models.model(name);
    Integer version = version(context);
    withBody(
        context,
        body -> {
          InferRequest request = InferRequest.read(body);
          return model
              .infer(version, request)
              .thenApply(
                  inferred ->
                      new Answer(200, ProtocolJson.inferred(name, request, inferred), null));
        });
  }

  private void score(Context context) throws IOException, RequestRefusedException {
    OnRequestModel model = models.model(context.pathParam("model"));
    withBody(context, body -> model.score(body).thenApply(ScoringApi::answer));
  }

  private static Answer answer(Ask.Scored scored) {
    Prediction prediction = scored.prediction();
    if (prediction != null) {
      return new Answer(200, PredictionJson.of(prediction), prediction.role());
    }
    DeadLetter letter = Objects.requireNonNull(scored.letter());
    throw new CompletionException(
        new RequestRefusedException(status(letter.reason()), letter.reason(), letter.message()));
  }

  /** What a dead letter's reason is as a status; every other one is a rule's name. */
  private static int status(String reason) {
    return switch (reason) {
      case DeadLetter.Reason.MALFORMED -> RequestRefusedException.BAD_REQUEST;
      case DeadLetter.Reason.TOO_LARGE -> RequestRefusedException.TOO_LARGE;
      case DeadLetter.Reason.NO_MODEL -> RequestRefusedException.UNAVAILABLE;
      default -> RequestRefusedException.UNPROCESSABLE;
    };
  }

  /**
   * What is answered.
   *
   * @param role of a prediction, to be counted; else null
   */
  private record Answer(int status, JsonNode body, @Nullable Role role) {}

  private interface Work {
    CompletableFuture<Answer> on(byte[] body) throws IOException, RequestRefusedException;
  }

  /** Has work done on the request's body, which counts against what all may hold. */
  private void withBody(Context context, Work work) throws IOException, RequestRefusedException {
    byte[] body = body(context);
    if (!bodies.tryAcquire(body.length)) {
      throw new RequestRefusedException(
          RequestRefusedException.UNAVAILABLE,
          "Cannot score: the requests that wait hold "
              + BODIES_BYTES_MAX
              + " bytes already; come again in a second");
    }
    boolean begun = false;
    try {
      CompletableFuture<Answer> answer =
          work.on(body).whenComplete((done, e) -> bodies.release(body.length));
      begun = true;
      answer(
          context,
          answer,
          (done, to) -> {
            if (done.role() != null) {
              metrics.predicted(done.role());
            }
            send(to, done.status(), done.body());
          });
    } finally {
      if (!begun) {
        bodies.release(body.length);
      }
    }
  }

  private static byte[] body(Context context) throws IOException, RequestRefusedException {
    InputStream in = context.bodyInputStream();
    byte[] body = in.readNBytes(BODY_BYTES_MAX + 1);
    if (body.length <= BODY_BYTES_MAX) {
      return body;
    }
    byte[] away = new byte[8 << 10];
    int drained = 0;
    for (int n = in.read(away); n >= 0 && drained < DRAINED_BYTES_MAX; n = in.read(away)) {
      drained += n;
    }
    throw new RequestRefusedException(
        RequestRefusedException.TOO_LARGE,
        DeadLetter.Reason.TOO_LARGE,
        "the body has more than " + BODY_BYTES_MAX + " bytes; send fewer rows at once");
  }

  /** Answers when the future does. */
  private <T> void answer(
      Context context, CompletableFuture<T> future, BiConsumer<T, Context> send) {
    // A copy: what the thread that scores completes is its own.
    CompletableFuture<Object> written =
        future
            .copy()
            .orTimeout(OnRequestModel.PATIENCE_SECONDS, TimeUnit.SECONDS)
            .handleAsync(
                (done, e) -> {
                  if (e == null) {
                    send.accept(done, context);
                  } else {
                    fail(context, e);
                  }
                  return context;
                },
                threads);
    context.future(() -> written);
  }

  private static void fail(Context context, Throwable thrown) {
    Throwable e =
        thrown instanceof CompletionException && thrown.getCause() != null
            ? thrown.getCause()
            : thrown;
    if (e instanceof RequestRefusedException refused) {
      refuse(context, refused);
    } else if (e instanceof TimeoutException) {
      refuse(
          context,
          new RequestRefusedException(
              RequestRefusedException.UNAVAILABLE,
              "Cannot score: no answer in "
                  + OnRequestModel.PATIENCE_SECONDS
                  + " s; come again later"));
    } else {
      LOG.error("Cannot answer {}", context.path(), e);
      send(context, 500, error(String.valueOf(e.getMessage())));
    }
  }

  private static void refuse(Context context, RequestRefusedException e) {
    ObjectNode body = error(String.valueOf(e.getMessage()));
    if (e.reason() != null) {
      body.put("reason", e.reason());
    }
    if (e.status() == RequestRefusedException.UNAVAILABLE) {
      context.header("Retry-After", RETRY_SECONDS);
    }
    send(context, e.status(), body);
  }

  private static @Nullable Integer version(Context context) throws RequestRefusedException {
    String text = context.pathParamMap().get("version");
    if (text == null) {
      return null;
    }
    try {
      return Integer.valueOf(text);
    } catch (NumberFormatException e) {
      throw new RequestRefusedException(
          RequestRefusedException.NOT_FOUND,
          "there is no version " + text + ": versions are whole numbers");
    }
  }

  private static ObjectNode error(String message) {
    return NODES.objectNode().put("error", message);
  }

  private static void send(Context context, int status, JsonNode body) {
    context.status(status).contentType("application/json").result(body.toString());
  }
}
