package dev.millrace.core.model;

import dev.millrace.core.definition.Model;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/** A model's decisions, compiled: the first whose condition holds. For one thread. */
public final class Decisions {

  /** What conditions call the score. */
  public static final String SCORE = "score";

  private record Condition(String name, Expression when) {}

  private final List<Condition> conditions;

  /** Conditions over {@code score} and the fields of the model's source. */
  public Decisions(List<Model.Decision> decisions, Schema source) {
    conditions =
        decisions.stream()
            .map(
                d ->
                    new Condition(
                        d.name(),
                        Expression.compile(
                            d.when(),
                            source,
                            Expression.Type.BOOLEAN,
                            Map.of(SCORE, Expression.Type.DOUBLE))))
            .toList();
  }

  /**
   * The name of the first decision whose condition holds; null where none does.
   *
   * <p>A condition that is null, or that cannot be computed for these values, does not hold.
   */
  public @Nullable String first(@Nullable Object[] fieldValues, double score) {
    if (conditions.isEmpty()) {
      return null;
    }
    Map<String, Double> extras = Map.of(SCORE, score);
    for (Condition condition : conditions) {
      if (holds(condition.when, fieldValues, extras)) {
        return condition.name;
      }
    }
    return null;
  }

  private static boolean holds(
      Expression when, @Nullable Object[] fieldValues, Map<String, Double> extras) {
    try {
      return Boolean.TRUE.equals(when.evaluate(fieldValues, extras));
    } catch (ExpressionException e) {
      return false;
    }
  }
}
