package dev.millrace.registry;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.millrace.registry.journal.Progress;
import dev.millrace.registry.journal.UnansweredException;
import dev.millrace.registry.mlflow.MlflowError;
import dev.millrace.registry.mlflow.MlflowRoutes;
import io.javalin.Javalin;
import io.javalin.http.Context;
import io.javalin.http.HttpStatus;
import java.util.Locale;

/**
 * {@code Cache-Control: no-cache}, as HTTP means it: the answer has all that was acknowledged
 * before, also by another process of the registry.
 */
final class FreshReads {

  private static final String HEADER = "Cache-Control";
  private static final String NO_CACHE = "no-cache";

  /** Looks at each request from now on; for a server that was not started yet. */
  static void addTo(Javalin server, Progress progress) {
    server.beforeMatched(
        context -> {
          String asked = context.header(HEADER);
          if (asked != null
              && asked.toLowerCase(Locale.ROOT).contains(NO_CACHE)
              && !context.path().equals(AccessControl.HEALTH)
              && progress.isCaughtUp()) {
            progress.catchUp();
          }
        });
    server.exception(UnansweredException.class, FreshReads::unavailable);
  }

  private static void unavailable(UnansweredException e, Context context) {
    String message = String.valueOf(e.getMessage());
    if (MlflowRoutes.isOf(context.path())) {
      MlflowRoutes.send(
          context, new MlflowError(MlflowError.Code.TEMPORARILY_UNAVAILABLE, message));
      return;
    }
    context
        .status(HttpStatus.SERVICE_UNAVAILABLE)
        .contentType("application/json")
        .result(JsonNodeFactory.instance.objectNode().put("error", message).toString());
  }

  private FreshReads() {}
}
