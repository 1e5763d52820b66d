package dev.millrace.registry;

import dev.millrace.platform.Target;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the registry's process is told when it starts.
 *
 * @param host it listens on
 * @param state the folder of its stores: what is in it can be made again from Kafka
 * @param scoring address of the service that scores on request; null where there is none
 */
record RegistryOptions(Target target, String host, int port, Path state, @Nullable URI scoring) {

  private static final String HOST = "127.0.0.1";
  private static final int PORT = 8090;

  /**
   * Reads {@code --target FILE}, {@code --state DIR} and {@code --scoring URL}.
   *
   * @throws IllegalArgumentException for an argument that there is not
   */
  static RegistryOptions of(String[] arguments, Map<String, String> environment)
      throws IOException {
    @Nullable Path targetFile = null;
    @Nullable URI scoring = null;
    Path state = Path.of(System.getProperty("java.io.tmpdir"), "millrace-registry");
    for (int i = 0; i < arguments.length; i += 2) {
      if (i + 1 == arguments.length) {
        throw new IllegalArgumentException("Cannot use " + arguments[i] + ": its value is missing");
      }
      switch (arguments[i]) {
        case "--target" -> targetFile = Path.of(arguments[i + 1]);
        case "--state" -> state = Path.of(arguments[i + 1]);
        case "--scoring" -> scoring = url(arguments[i + 1]);
        default ->
            throw new IllegalArgumentException(
                "Cannot use "
                    + arguments[i]
                    + ": known are --target FILE, --state DIR and --scoring URL");
      }
    }
    Target target =
        targetFile == null ? Target.fromEnvironment(environment) : Target.read(targetFile);
    String named = target.registry();
    if (named == null) {
      return new RegistryOptions(target, HOST, PORT, state, scoring);
    }
    URI address = URI.create(named);
    return new RegistryOptions(
        target,
        address.getHost() == null ? HOST : address.getHost(),
        address.getPort() < 0 ? PORT : address.getPort(),
        state,
        scoring);
  }

  /** An address to which paths are appended. */
  private static URI url(String text) {
    String bare = text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
    try {
      URI url = URI.create(bare);
      if ("http".equals(url.getScheme()) && url.getHost() != null) {
        return url;
      }
    } catch (IllegalArgumentException e) {
      // Said below.
    }
    throw new IllegalArgumentException(
        "Cannot use --scoring " + text + ": write an address like http://127.0.0.1:8091");
  }
}
