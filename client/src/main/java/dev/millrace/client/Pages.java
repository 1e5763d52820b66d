package dev.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Follows the pages of an answer to their end, or to as many as are wanted. */
final class Pages {

  /** Asks for the page that a token begins; the first one's is empty. */
  @FunctionalInterface
  interface Asking {
    JsonNode page(String token) throws IOException, InterruptedException;
  }

  static <T> List<T> all(String items, Function<JsonNode, T> of, int limit, Asking asking)
      throws IOException, InterruptedException {
    List<T> all = new ArrayList<>();
    String token = "";
    do {
      JsonNode page = asking.page(token);
      for (JsonNode item : page.path(items)) {
        if (all.size() == limit) {
          return all;
        }
        all.add(of.apply(item));
      }
      String next = Fields.text(page, "next_page_token");
      if (!next.isEmpty() && next.equals(token)) {
        throw new IOException(
            "Cannot read the next page of " + items + ": the registry sends the same one again");
      }
      token = next;
    } while (!token.isEmpty() && all.size() < limit);
    return all;
  }

  private Pages() {}
}
