package dev.millrace.registry.mlflow;

import dev.millrace.core.catalog.Stage;
import dev.millrace.registry.search.Fields;
import dev.millrace.registry.search.Filter;
import dev.millrace.registry.search.Filter.Subject;
import dev.millrace.registry.search.Order;
import dev.millrace.registry.search.SearchException;
import java.util.Comparator;
import java.util.function.Function;
import java.util.stream.Stream;

/** What requests say of filters, orders and stages. */
public final class Searches {

  private static final int ORDERS_MAX = 20;

  /** The filter of a request. */
  public static Filter filter(MlflowRequest request, Fields fields) {
    try {
      return Filter.of(request.text("filter", ""), fields);
    } catch (SearchException e) {
      throw MlflowError.invalid(e.said());
    }
  }

  /** The order of a request. */
  public static <T> Comparator<T> order(
      MlflowRequest request,
      Fields fields,
      Function<T, Subject> subjects,
      Comparator<T> otherwise) {
    var clauses = request.texts("order_by").stream().filter(c -> !c.isBlank()).toList();
    if (clauses.size() > ORDERS_MAX) {
      throw MlflowError.invalid("order_by has more than " + ORDERS_MAX + " clauses");
    }
    try {
      return Order.of(clauses, fields, subjects, otherwise);
    } catch (SearchException e) {
      throw MlflowError.invalid(e.said());
    }
  }

  static Stage stage(String text) {
    return Stage.of(text)
        .orElseThrow(
            () ->
                MlflowError.invalid(
                    "Invalid Model Version stage: "
                        + text
                        + ". Value must be one of "
                        + String.join(", ", Stream.of(Stage.values()).map(Stage::text).toList())
                        + "."));
  }

  private Searches() {}
}
