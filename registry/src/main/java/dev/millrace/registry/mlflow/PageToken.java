package dev.millrace.registry.mlflow;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.OptionalInt;

/** Where the next page begins, as clients carry it. */
public final class PageToken {

  private static final JsonMapper JSON = new JsonMapper();

  /** A page of what was found, and the token of the next one; empty where there is none. */
  public record Page<T>(List<T> items, String next) {}

  /** The items from an offset. */
  public static <T> Page<T> page(List<T> all, int offset, int max) {
    int from = Math.min(offset, all.size());
    int to = (int) Math.min((long) from + max, all.size());
    return new Page<>(all.subList(from, to), to < all.size() ? write(to) : "");
  }

  public static String write(int offset) {
    return Base64.getUrlEncoder()
        .encodeToString(("{\"offset\": " + offset + "}").getBytes(StandardCharsets.UTF_8));
  }

  static OptionalInt read(String token) {
    try {
      JsonNode offset = JSON.readTree(Base64.getUrlDecoder().decode(token)).path("offset");
      return offset.canConvertToInt() && offset.isInt() && offset.intValue() >= 0
          ? OptionalInt.of(offset.intValue())
          : OptionalInt.empty();
    } catch (IOException | IllegalArgumentException e) {
      return OptionalInt.empty();
    }
  }

  private PageToken() {}
}
