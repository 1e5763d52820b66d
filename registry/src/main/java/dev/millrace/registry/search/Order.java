package dev.millrace.registry.search;

import dev.millrace.registry.search.Fields.Field;
import dev.millrace.registry.search.Filter.Subject;
import dev.millrace.registry.search.Tokens.Kind;
import dev.millrace.registry.search.Tokens.Token;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The order of what was found: {@code metrics.rmse DESC}, {@code name}. */
public final class Order {

  /**
   * Reads an order.
   *
   * <p>What has no value, or NaN, comes last in both directions.
   *
   * @param clauses the first counts most
   * @param otherwise decides where the clauses do not
   * @throws SearchException where a clause is none, or is about what is not there
   */
  public static <T> Comparator<T> of(
      List<String> clauses, Fields fields, Function<T, Subject> subjects, Comparator<T> otherwise) {
    Comparator<T> order = null;
    for (String clause : clauses) {
      Comparator<T> next = clause(clause, fields, subjects);
      order = order == null ? next : order.thenComparing(next);
    }
    return order == null ? otherwise : order.thenComparing(otherwise);
  }

  private static <T> Comparator<T> clause(
      String clause, Fields fields, Function<T, Subject> subjects) {
    List<Token> tokens = new ArrayList<>(Tokens.of(clause));
    boolean descending = false;
    if (tokens.size() > 1) {
      Token last = tokens.get(tokens.size() - 1);
      String direction = last.kind() == Kind.WORD ? last.text().toUpperCase(Locale.ROOT) : "";
      if (direction.equals("DESC") || direction.equals("ASC")) {
        descending = direction.equals("DESC");
        tokens.remove(tokens.size() - 1);
      }
    }
    int[] at = {0};
    Field field =
        Names.field(
            () -> at[0] < tokens.size() ? tokens.get(at[0]) : null,
            () -> {
              if (at[0] >= tokens.size()) {
                throw wrong(clause);
              }
              return tokens.get(at[0]++);
            },
            fields);
    if (at[0] < tokens.size()) {
      throw wrong(clause);
    }
    Comparator<@Nullable Object> values = values(descending);
    return (a, b) -> values.compare(subjects.apply(a).value(field), subjects.apply(b).value(field));
  }

  private static SearchException wrong(String clause) {
    return new SearchException(
        "Invalid order_by clause '"
            + Filter.shortened(clause)
            + "': it is a name, and ASC or DESC behind it");
  }

  private static Comparator<@Nullable Object> values(boolean descending) {
    return (a, b) -> {
      boolean noA = none(a);
      boolean noB = none(b);
      if (noA || noB) {
        return Boolean.compare(noA, noB);
      }
      int compared =
          a instanceof Number left && b instanceof Number right
              ? Double.compare(left.doubleValue(), right.doubleValue())
              : String.valueOf(a).compareTo(String.valueOf(b));
      return descending ? -compared : compared;
    };
  }

  private static boolean none(@Nullable Object value) {
    return value == null || (value instanceof Double number && number.isNaN());
  }

  private Order() {}
}
