package dev.millrace.registry;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Where the registry's server listens.
 *
 * @param port 0 for any that is free
 * @param keystore null for plain HTTP
 */
record Listening(String host, int port, @Nullable Keystore keystore) {

  static Listening plainly(String host, int port) {
    return new Listening(host, port, null);
  }

  String scheme() {
    return keystore == null ? "http" : "https";
  }

  /** Whether nobody on another machine can come here. */
  static boolean isLoopback(String host) throws UnknownHostException {
    return Arrays.stream(InetAddress.getAllByName(host)).allMatch(InetAddress::isLoopbackAddress);
  }
}
