package dev.millrace.registry.mlflow;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.registry.access.Caller;
import dev.millrace.registry.access.ForbiddenException;
import dev.millrace.registry.access.Need;
import dev.millrace.registry.access.Role;
import dev.millrace.registry.journal.Progress;
import dev.millrace.registry.journal.UnansweredException;
import io.javalin.Javalin;
import io.javalin.http.ContentType;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import io.javalin.http.HttpResponseException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which request goes where. All is under two prefixes, answers are 200 with a JSON object or an
 * error with a code, and nothing else.
 */
public final class MlflowRoutes {

  private static final Logger LOG = LoggerFactory.getLogger(MlflowRoutes.class);
  private static final JsonMapper JSON = new JsonMapper();
  static final List<String> PREFIXES = List.of("/api/2.0/mlflow", "/ajax-api/2.0/mlflow");
  static final String IDEMPOTENCY_KEY = "Idempotency-Key";
  private static final int KEY_MAX = 200;

  /** Answers one kind of request. */
  @FunctionalInterface
  public interface Handling {
    ObjectNode answer(MlflowRequest request) throws Exception;
  }

  /** Says whether a request may go on. */
  @FunctionalInterface
  public interface Admission {
    /** Where everybody may do everything. */
    Admission EVERYBODY = (caller, need, request) -> {};

    /**
     * Looks at a request that is about to be answered; it may add to it what follows from who asks.
     *
     * @param caller null where nobody was asked for a token
     * @throws ForbiddenException where it may not
     */
    void admit(@Nullable Caller caller, Need need, MlflowRequest request);
  }

  /** One request that is known; {@code {name}} in its path is a parameter like others. */
  public record Endpoint(HandlerType method, String path, Need need, Handling handling) {}

  /** A list of endpoints as it grows. */
  public static final class Endpoints {
    private final List<Endpoint> all = new ArrayList<>();

    public Endpoints get(String path, Handling handling) {
      return add(HandlerType.GET, path, Need.READING, handling);
    }

    public Endpoints post(String path, Need need, Handling handling) {
      return add(HandlerType.POST, path, need, handling);
    }

    public Endpoints patch(String path, Need need, Handling handling) {
      return add(HandlerType.PATCH, path, need, handling);
    }

    public Endpoints delete(String path, Need need, Handling handling) {
      return add(HandlerType.DELETE, path, need, handling);
    }

    private Endpoints add(HandlerType method, String path, Need need, Handling handling) {
      all.add(new Endpoint(method, path, need, handling));
      return this;
    }

    public List<Endpoint> all() {
      return List.copyOf(all);
    }
  }

  /**
   * Adds them to a server that was not started yet.
   *
   * @param progress how far all is known that was decided
   */
  public static void add(
      Javalin server, List<Endpoint> endpoints, Progress progress, Admission admission) {
    for (String prefix : PREFIXES) {
      for (Endpoint endpoint : endpoints) {
        server.addHttpHandler(
            endpoint.method(),
            prefix + endpoint.path(),
            context -> answer(context, endpoint, progress, admission),
            endpoint.need().role());
      }
      for (HandlerType method :
          List.of(HandlerType.GET, HandlerType.POST, HandlerType.PATCH, HandlerType.DELETE)) {
        // Paths that are known are matched first, in the order in which they were added.
        server.addHttpHandler(method, prefix + "/*", MlflowRoutes::unknown, Role.READER);
      }
    }
  }

  /** Whether a path is one of MLflow's interface. */
  public static boolean isOf(String path) {
    return PREFIXES.stream().anyMatch(path::startsWith);
  }

  private static void unknown(Context context) {
    if (context.endpointHandlerPath().endsWith("/*")) {
      send(
          context,
          new MlflowError(
              MlflowError.Code.ENDPOINT_NOT_FOUND,
              "there is no " + context.method().name() + " " + context.path()));
    }
  }

  private static void answer(
      Context context, Endpoint endpoint, Progress progress, Admission admission) {
    try {
      if (!progress.isCaughtUp()) {
        throw new MlflowError(
            MlflowError.Code.TEMPORARILY_UNAVAILABLE,
            "the registry is not ready yet; ask again in a moment");
      }
      ObjectNode body = body(context, endpoint, progress, admission);
      context
          .status(200)
          .contentType(ContentType.APPLICATION_JSON)
          .result(JSON.writeValueAsBytes(body));
    } catch (MlflowError e) {
      send(context, e);
    } catch (ForbiddenException e) {
      // Answered where those without a token are.
      throw e;
    } catch (UnansweredException e) {
      send(
          context,
          new MlflowError(
              MlflowError.Code.TEMPORARILY_UNAVAILABLE, String.valueOf(e.getMessage())));
    } catch (HttpResponseException e) {
      // Of the server itself: the body is too large.
      send(context, new MlflowError(MlflowError.Code.BAD_REQUEST, String.valueOf(e.getMessage())));
      context.status(e.getStatus());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      send(
          context,
          new MlflowError(
              MlflowError.Code.TEMPORARILY_UNAVAILABLE, "the registry is ending; ask again"));
    } catch (Exception e) {
      LOG.error("Cannot answer {} {}", context.method(), context.path(), e);
      send(
          context,
          new MlflowError(
              MlflowError.Code.INTERNAL_ERROR,
              "the registry failed at this request; its log says why"));
    }
  }

  /**
   * The answer. What is not here, or not the caller's, may have been made or given by another
   * process just now: it is looked at again once all is known that was there when it was asked.
   */
  private static ObjectNode body(
      Context context, Endpoint endpoint, Progress progress, Admission admission) throws Exception {
    try {
      return once(context, endpoint, admission);
    } catch (MlflowError e) {
      if (!e.isNotFoundHere()) {
        throw e;
      }
    } catch (ForbiddenException e) {
      LOG.debug("Looking again: {}", e.getMessage());
    }
    progress.catchUp();
    return once(context, endpoint, admission);
  }

  private static ObjectNode once(Context context, Endpoint endpoint, Admission admission)
      throws Exception {
    Caller caller = context.attribute(Caller.ATTRIBUTE);
    MlflowRequest request = request(context, endpoint.method(), Caller.name(context, caller));
    admission.admit(caller, endpoint.need(), request);
    return endpoint.handling().answer(request);
  }

  private static MlflowRequest request(Context context, HandlerType method, String actor) {
    String key = context.header(IDEMPOTENCY_KEY);
    if (key == null) {
      key = "";
    }
    if (key.length() > KEY_MAX) {
      throw MlflowError.invalid(IDEMPOTENCY_KEY + " has more than " + KEY_MAX + " characters");
    }
    MlflowRequest request =
        method == HandlerType.GET
            ? MlflowRequest.ofQuery(context.queryParamMap(), actor, key)
            : MlflowRequest.ofBody(context.body(), actor, key);
    context.pathParamMap().forEach((name, value) -> request.json().put(name, value));
    return request;
  }

  /** Answers with an error. */
  public static void send(Context context, MlflowError error) {
    ObjectNode body = JSON.createObjectNode();
    body.put("error_code", error.code().name());
    body.put("message", error.said());
    context
        .status(error.code().status())
        .contentType(ContentType.APPLICATION_JSON)
        .result(body.toString());
  }

  private MlflowRoutes() {}
}
