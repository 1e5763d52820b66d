package dev.millrace.client;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

/** The part of an address behind the question mark, and its escapes. */
final class Query {

  private final StringBuilder text = new StringBuilder();

  Query with(String name, String value) {
    text.append(text.isEmpty() ? '?' : '&').append(name).append('=').append(escaped(value));
    return this;
  }

  /** A name in a path or query, escaped so that nothing in it has a meaning. */
  static String escaped(String value) {
    // That of forms writes a blank as +, which in a path is a plus.
    return URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /** A path: each of its names escaped, its slashes kept. */
  static String escapedPath(String path) {
    return escaped(path).replace("%2F", "/");
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
