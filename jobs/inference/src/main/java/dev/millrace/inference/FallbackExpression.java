package dev.millrace.inference;

import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.streaming.Event;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The score of a model that no version can answer for. */
final class FallbackExpression {

  private final @Nullable Expression expression;

  FallbackExpression(ScoringPlan plan) {
    String text = plan.fallback();
    this.expression =
        text == null
            ? null
            : Expression.compile(text, plan.source().schema(), Expression.Type.DOUBLE, Map.of());
  }

  /** Its score of an event; null where it has none. */
  @Nullable Double score(Event event) {
    if (expression == null) {
      return null;
    }
    try {
      return expression.evaluate(event.values()) instanceof Double score && Double.isFinite(score)
          ? score
          : null;
    } catch (ExpressionException e) {
      return null;
    }
  }

  /** Why there is no score. */
  String why() {
    return expression == null
        ? " and there is no fallback"
        : " and the fallback " + expression.text() + " gives no number for this event";
  }
}
