package dev.millrace.registry;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.millrace.registry.access.Authentication;
import dev.millrace.registry.access.Caller;
import dev.millrace.registry.access.ForbiddenException;
import dev.millrace.registry.access.Role;
import dev.millrace.registry.access.UnauthenticatedException;
import dev.millrace.registry.mlflow.MlflowError;
import dev.millrace.registry.mlflow.MlflowRoutes;
import io.javalin.Javalin;
import io.javalin.http.Context;
import io.javalin.security.RouteRole;
import java.util.Collections;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets in who has a token, to what their role may. Whose things they may change is looked at where
 * it is known what a request is about: {@link ProjectRules}.
 */
final class AccessControl {

  /** Answered to everybody: it says whether the process is well, and nothing of models. */
  static final String HEALTH = "/v1/health";

  private static final Logger LOG = LoggerFactory.getLogger(AccessControl.class);

  /** Asks for a token from now on; for a server that was not started yet. */
  static void addTo(Javalin server, Authentication authentication) {
    server.before(
        context -> {
          if (!context.path().equals(HEALTH)) {
            List<String> headers = Collections.list(context.req().getHeaders("Authorization"));
            context.attribute(Caller.ATTRIBUTE, authentication.caller(headers));
          }
        });
    server.beforeMatched(AccessControl::refuseLesserRoles);
    server.exception(
        UnauthenticatedException.class,
        (e, context) -> {
          context.header("WWW-Authenticate", "Bearer realm=\"millrace\"");
          // For people with a browser: the token is the password.
          context
              .res()
              .addHeader("WWW-Authenticate", "Basic realm=\"millrace\", charset=\"UTF-8\"");
          refuse(context, MlflowError.Code.UNAUTHENTICATED, String.valueOf(e.getMessage()));
        });
    server.exception(
        ForbiddenException.class,
        (e, context) -> {
          LOG.warn("Refused: {}", e.getMessage());
          refuse(context, MlflowError.Code.PERMISSION_DENIED, String.valueOf(e.getMessage()));
        });
  }

  private static void refuseLesserRoles(Context context) {
    if (context.path().equals(HEALTH)) {
      return;
    }
    Caller caller = context.attribute(Caller.ATTRIBUTE);
    // A route of which nobody said what it takes, takes everything.
    Role needed = Role.ADMIN;
    for (RouteRole role : context.routeRoles()) {
      needed = (Role) role;
    }
    if (caller == null || !caller.role().includes(needed)) {
      throw new ForbiddenException(
          "Cannot %s %s with the token of %s: its role is %s, and this takes %s; ask an admin"
              .formatted(
                  context.method(),
                  context.path(),
                  caller == null ? "nobody" : caller.name(),
                  caller == null ? "none" : caller.role().text(),
                  needed.text()));
    }
  }

  private static void refuse(Context context, MlflowError.Code code, String message) {
    if (MlflowRoutes.isOf(context.path())) {
      MlflowRoutes.send(context, new MlflowError(code, message));
      return;
    }
    context
        .status(code.status())
        .contentType("application/json")
        .result(JsonNodeFactory.instance.objectNode().put("error", message).toString());
  }

  private AccessControl() {}
}
