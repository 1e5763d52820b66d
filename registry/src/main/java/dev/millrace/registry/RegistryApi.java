package dev.millrace.registry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.lifecycle.DecidedDeployment;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.registry.access.Role;
import dev.millrace.registry.pace.PacedRequests;
import io.javalin.Javalin;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import io.javalin.http.HttpStatus;
import io.javalin.util.JavalinBindException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.kafka.streams.errors.InvalidStateStoreException;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the registry answers over HTTP. */
final class RegistryApi implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(RegistryApi.class);
  private static final JsonMapper JSON = new JsonMapper();
  // A change waits for its commit, so many are under way at once.
  private static final int THREADS_MAX = 48;
  private static final int THREADS_MIN = 2;
  private static final int HEADER_BYTES_MAX = 16 * 1024;
  private static final long IDLE_MILLIS = 30_000;
  private static final long BYTES_PER_SECOND_MIN = 1_000;
  private static final long BODY_BYTES_MAX = 8L * 1024 * 1024;

  private final Javalin server;

  /**
   * What can be told of the models; fails with {@link InvalidStateStoreException} while it moves.
   */
  interface States {
    /** What the streams do: RUNNING where all is well. */
    String condition();

    boolean isRunning();

    Collection<String> models();

    Optional<ModelState> model(String name);
  }

  private RegistryApi(Javalin server) {
    this.server = server;
  }

  /**
   * Answers from now on.
   *
   * @param listening on which address, and how
   * @param scoring takes what is about scores
   * @param more adds what else is answered
   * @throws IllegalStateException where the port is taken
   */
  static RegistryApi start(
      Listening listening, States states, ScoringForward scoring, Consumer<Javalin> more) {
    Keystore keystore = listening.keystore();
    Javalin server =
        Javalin.create(
                config -> {
                  config.showJavalinBanner = false;
                  config.startupWatcherEnabled = false;
                  config.http.maxRequestSize = BODY_BYTES_MAX;
                  config.jetty.modifyHttpConfiguration(RegistryApi::bound);
                  config.jetty.modifyServletContextHandler(PacedRequests::addTo);
                  if (keystore != null) {
                    config.jetty.addConnector(
                        (jetty, http) -> keystore.connector(jetty, http, listening));
                  }
                  config.jetty.threadPool = new QueuedThreadPool(THREADS_MAX, THREADS_MIN);
                })
            .get(AccessControl.HEALTH, context -> health(context, states), Role.READER)
            .get("/v1/models", context -> models(context, states), Role.READER)
            .get("/v1/models/{name}", context -> model(context, states), Role.READER)
            .get(
                "/v1/models/{name}/deployment", context -> deployment(context, states), Role.READER)
            .post("/v1/models/{name}/score", scoring::forward, Role.READER)
            .get("/v2", scoring::forward, Role.READER)
            .get("/v2/*", scoring::forward, Role.READER)
            .post("/v2/*", scoring::forward, Role.READER)
            .exception(
                InvalidStateStoreException.class, (e, context) -> unavailable(context, states))
            .exception(
                HttpResponseException.class,
                (e, context) ->
                    error(
                        context,
                        HttpStatus.forStatus(e.getStatus()),
                        String.valueOf(e.getMessage())))
            .exception(
                Exception.class,
                (e, context) -> {
                  LOG.error("Cannot answer {}", context.path(), e);
                  error(context, HttpStatus.INTERNAL_SERVER_ERROR, String.valueOf(e.getMessage()));
                })
            .error(
                HttpStatus.NOT_FOUND,
                context -> {
                  if (!JSON_TYPE.equals(context.res().getContentType())) {
                    error(context, HttpStatus.NOT_FOUND, "there is no " + context.path());
                  }
                });
    new RegistryMetrics(states).addTo(server);
    more.accept(server);
    try {
      return new RegistryApi(server.start(listening.host(), listening.port()));
    } catch (JavalinBindException e) {
      throw new IllegalStateException(
          "Cannot listen on %s:%d: %s; end what listens there"
              .formatted(listening.host(), listening.port(), e.getMessage()),
          e);
    }
  }

  private static final String JSON_TYPE = "application/json";

  /** A client that sends nothing, or next to nothing, holds no worker for ever. */
  private static void bound(HttpConfiguration http) {
    http.setRequestHeaderSize(HEADER_BYTES_MAX);
    http.setIdleTimeout(IDLE_MILLIS);
    http.setMinResponseDataRate(BYTES_PER_SECOND_MIN);
    http.setSendServerVersion(false);
  }

  int port() {
    return server.port();
  }

  private static void health(Context context, States states) {
    ObjectNode body = JSON.createObjectNode();
    body.put("status", states.isRunning() ? "UP" : "DOWN");
    body.put("streams", states.condition());
    send(context, states.isRunning() ? HttpStatus.OK : HttpStatus.SERVICE_UNAVAILABLE, body);
  }

  private static void models(Context context, States states) {
    ObjectNode body = JSON.createObjectNode();
    ArrayNode names = body.putArray("models");
    states.models().stream().sorted().forEach(names::add);
    send(context, HttpStatus.OK, body);
  }

  private static void model(Context context, States states) {
    ModelState state = find(context, states);
    if (state != null) {
      ObjectNode body = JSON.valueToTree(state);
      // Nobody reads them, and they would be most of the answer.
      body.remove("keys");
      send(context, HttpStatus.OK, body);
    }
  }

  private static void deployment(Context context, States states) {
    String asOf = context.queryParam("as_of");
    Long atMillis = null;
    if (asOf != null) {
      try {
        atMillis = millis(asOf);
      } catch (DateTimeException | NumberFormatException e) {
        error(
            context,
            HttpStatus.BAD_REQUEST,
            "as_of "
                + asOf
                + " is no point in time; write epoch milliseconds or 2001-01-15T00:00:00Z");
        return;
      }
    }
    ModelState state = find(context, states);
    if (state == null) {
      return;
    }
    Optional<DecidedDeployment> found = atMillis == null ? state.current() : state.at(atMillis);
    if (found.isEmpty()) {
      error(
          context,
          HttpStatus.NOT_FOUND,
          "model "
              + state.model()
              + (asOf == null ? " has no deployment" : " had no deployment at " + asOf));
      return;
    }
    ObjectNode body = JSON.createObjectNode();
    body.put("model", state.model());
    body.put("as_of", atMillis);
    body.setAll((ObjectNode) JSON.<JsonNode>valueToTree(found.get()));
    send(context, HttpStatus.OK, body);
  }

  private static @Nullable ModelState find(Context context, States states) {
    String name = context.pathParam("name");
    ModelState state = states.model(name).orElse(null);
    if (state == null) {
      error(context, HttpStatus.NOT_FOUND, "there is no model " + name);
    }
    return state;
  }

  /** Epoch milliseconds, or ISO-8601 with its offset. */
  static long millis(String text) {
    if (text.matches("-?\\d+")) {
      return Long.parseLong(text);
    }
    // A plus that nobody escaped arrives as a blank.
    Instant instant = OffsetDateTime.parse(text.replace(' ', '+')).toInstant();
    try {
      return instant.toEpochMilli();
    } catch (ArithmeticException e) {
      throw new DateTimeException("beyond milliseconds", e);
    }
  }

  private static void unavailable(Context context, States states) {
    error(
        context,
        HttpStatus.SERVICE_UNAVAILABLE,
        "the registry is not ready: " + states.condition() + "; ask again in a moment");
  }

  private static void error(Context context, HttpStatus status, String message) {
    send(context, status, JSON.createObjectNode().put("error", message));
  }

  private static void send(Context context, HttpStatus status, JsonNode body) {
    context.status(status).contentType(JSON_TYPE).result(body.toString());
  }

  @Override
  public void close() {
    server.stop();
  }
}
