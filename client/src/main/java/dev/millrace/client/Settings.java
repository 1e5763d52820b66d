package dev.millrace.client;

import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What a client is told once. Its text does not hold the token. */
record Settings(
    URI registry,
    @Nullable String token,
    Duration timeout,
    Duration patience,
    Clock clock,
    Pace pace) {

  static final Duration TIMEOUT = Duration.ofSeconds(30);
  static final Duration PATIENCE = Duration.ofSeconds(60);

  static Settings of(URI registry) {
    String scheme = registry.getScheme();
    if (scheme == null || registry.getHost() == null || !scheme.matches("https?")) {
      throw new IllegalArgumentException(
          "Cannot connect to registry "
              + registry
              + ": it is no http or https address; write http://127.0.0.1:8090");
    }
    if (registry.getUserInfo() != null) {
      throw new IllegalArgumentException(
          "Cannot connect to registry "
              + registry.getHost()
              + ": its address has a user; use token");
    }
    return new Settings(registry, null, TIMEOUT, PATIENCE, Clock.systemUTC(), Pace.REAL);
  }

  Settings withToken(String next) {
    if (next.isBlank() || next.chars().anyMatch(c -> c <= ' ' || c > '~')) {
      throw new IllegalArgumentException(
          "Cannot use a token that is empty or has blanks or control characters");
    }
    return new Settings(registry, next, timeout, patience, clock, pace);
  }

  Settings withTimeout(Duration next) {
    return new Settings(registry, token, positive("timeout", next), patience, clock, pace);
  }

  Settings withPatience(Duration next) {
    if (next.isNegative()) {
      throw new IllegalArgumentException("Cannot use patience " + next + ": it is negative");
    }
    return new Settings(registry, token, timeout, next, clock, pace);
  }

  Settings withPace(Clock nextClock, Pace nextPace) {
    return new Settings(registry, token, timeout, patience, nextClock, nextPace);
  }

  private static Duration positive(String name, Duration value) {
    if (value.isNegative() || value.isZero()) {
      throw new IllegalArgumentException(
          "Cannot use " + name + " " + value + ": it is not positive");
    }
    return value;
  }

  @Override
  public String toString() {
    return registry + (token == null ? "" : " with a token");
  }
}
