package dev.millrace.inference;

import dev.millrace.platform.Target;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the scoring service is told when it starts.
 *
 * @param host it listens on
 */
record ScoringServiceOptions(Target target, String host, int port) {

  private static final int PORT_MAX = 65_535;

  /**
   * Reads {@code --target FILE} and {@code --listen HOST:PORT}.
   *
   * @throws IllegalArgumentException for an argument that there is not
   */
  static ScoringServiceOptions of(String[] arguments, Map<String, String> environment)
      throws IOException {
    @Nullable Path targetFile = null;
    String listen = "127.0.0.1:8091";
    for (int i = 0; i < arguments.length; i += 2) {
      if (i + 1 == arguments.length) {
        throw new IllegalArgumentException("Cannot use " + arguments[i] + ": its value is missing");
      }
      switch (arguments[i]) {
        case "--target" -> targetFile = Path.of(arguments[i + 1]);
        case "--listen" -> listen = arguments[i + 1];
        default ->
            throw new IllegalArgumentException(
                "Cannot use " + arguments[i] + ": known are --target FILE and --listen HOST:PORT");
      }
    }
    int colon = listen.lastIndexOf(':');
    return new ScoringServiceOptions(
        targetFile == null ? Target.fromEnvironment(environment) : Target.read(targetFile),
        colon < 0 ? listen : listen.substring(0, colon),
        port(listen, colon));
  }

  private static int port(String listen, int colon) {
    try {
      int port = colon < 1 ? -1 : Integer.parseInt(listen, colon + 1, listen.length(), 10);
      if (port >= 0 && port <= PORT_MAX) {
        return port;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new IllegalArgumentException(
        "Cannot use --listen " + listen + ": write HOST:PORT, for example 127.0.0.1:8091");
  }
}
