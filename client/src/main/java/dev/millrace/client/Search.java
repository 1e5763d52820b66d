package dev.millrace.client;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/**
 * What is searched for, and in which order.
 *
 * @param filter conditions joined by AND: {@code name LIKE 'fraud%' AND tags.team = 'risk'}; empty
 *     for all
 * @param orderBy such as {@code name DESC}; none for the registry's own order
 * @param view whether what was deleted is found too; of models and versions it never is
 * @param pageSize how many come with one answer; 0 for as many as the registry likes
 * @param limit how many there are in all at most
 */
public record Search(String filter, List<String> orderBy, View view, int pageSize, int limit) {

  /** What of experiments and runs is found. */
  public enum View {
    ACTIVE_ONLY,
    DELETED_ONLY,
    ALL
  }

  public Search {
    orderBy = List.copyOf(orderBy);
    if (pageSize < 0 || limit < 1) {
      throw new IllegalArgumentException(
          "Cannot search for at most " + limit + " in pages of " + pageSize + ": too few");
    }
  }

  public static Search all() {
    return new Search("", List.of(), View.ACTIVE_ONLY, 0, Integer.MAX_VALUE);
  }

  public static Search where(String filter) {
    return new Search(filter, List.of(), View.ACTIVE_ONLY, 0, Integer.MAX_VALUE);
  }

  /** One more column to order by. */
  public Search orderBy(String clause) {
    List<String> more = new ArrayList<>(orderBy);
    more.add(clause);
    return new Search(filter, more, view, pageSize, limit);
  }

  public Search view(View next) {
    return new Search(filter, orderBy, next, pageSize, limit);
  }

  public Search pageSize(int next) {
    return new Search(filter, orderBy, view, next, limit);
  }

  public Search limit(int next) {
    return new Search(filter, orderBy, view, pageSize, next);
  }

  Query query(String token) {
    Query query = new Query();
    if (!filter.isEmpty()) {
      query = query.with("filter", filter);
    }
    for (String clause : orderBy) {
      query = query.with("order_by", clause);
    }
    if (pageSize > 0) {
      query = query.with("max_results", String.valueOf(pageSize));
    }
    return token.isEmpty() ? query : query.with("page_token", token);
  }

  ObjectNode body(String token, String viewName) {
    ObjectNode body = Transport.object();
    if (!filter.isEmpty()) {
      body.put("filter", filter);
    }
    ArrayNode order = body.putArray("order_by");
    orderBy.forEach(order::add);
    if (pageSize > 0) {
      body.put("max_results", pageSize);
    }
    body.put(viewName, view.name());
    if (!token.isEmpty()) {
      body.put("page_token", token);
    }
    return body;
  }
}
