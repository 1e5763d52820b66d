package dev.millrace.registry.access;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Tells who asks, by what the header Authorization holds. */
public final class Authentication {

  private static final int TOKEN_MAX = 1_000;

  private final LiveTokens tokens;
  private final Clock clock;

  public Authentication(LiveTokens tokens, Clock clock) {
    this.tokens = tokens;
    this.clock = clock;
  }

  /**
   * Who sent a request.
   *
   * @param headers all that are called Authorization
   * @throws UnauthenticatedException where no token, or none that counts, is there
   */
  public Caller caller(List<String> headers) {
    if (headers.size() != 1) {
      throw new UnauthenticatedException(
          headers.isEmpty()
              ? "Cannot answer without a token: send the header Authorization: Bearer TOKEN;"
                  + " MLflow's clients do with MLFLOW_TRACKING_TOKEN"
              : "Cannot tell who asks: there are " + headers.size() + " headers Authorization");
    }
    AccessToken token =
        secret(headers.get(0))
            .flatMap(tokens::of)
            .orElseThrow(
                () ->
                    new UnauthenticatedException(
                        "Cannot accept this token: the registry knows no such one; ask an admin"
                            + " for one (./millrace tokens add)"));
    Instant expires = token.expires();
    if (expires != null && !clock.instant().isBefore(expires)) {
      throw new UnauthenticatedException(
          "Cannot accept the token of "
              + token.name()
              + ": it expired at "
              + expires
              + "; ask an admin for a new one");
    }
    return token.caller();
  }

  /** The token itself, or the password of basic authentication, whatever the user. */
  private static Optional<String> secret(String header) {
    int blank = header.indexOf(' ');
    if (blank < 0) {
      return Optional.empty();
    }
    String scheme = header.substring(0, blank).toLowerCase(Locale.ROOT);
    String rest = header.substring(blank + 1).strip();
    if (rest.length() > TOKEN_MAX) {
      return Optional.empty();
    }
    return switch (scheme) {
      case "bearer" -> Optional.of(rest);
      case "basic" -> password(rest);
      default -> Optional.empty();
    };
  }

  private static Optional<String> password(String encoded) {
    String pair;
    try {
      pair = new String(Base64.getDecoder().decode(encoded), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
    int colon = pair.indexOf(':');
    return colon < 0 ? Optional.empty() : Optional.of(pair.substring(colon + 1));
  }
}
