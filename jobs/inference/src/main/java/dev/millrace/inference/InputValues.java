package dev.millrace.inference;

import dev.millrace.core.definition.Model;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.core.model.TextInput;
import dev.millrace.core.row.Numbers;
import dev.millrace.streaming.Event;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Turns rows and events into the values of the signature. For one thread. */
final class InputValues {

  private final InferenceMetrics metrics;

  /** By input of all plans; null where it is none of the event's own. */
  private final List<@Nullable Expression> onDemand = new ArrayList<>();

  /** By the number of the inputs' plan. */
  private final List<NamedValues.Names> names;

  InputValues(ScoringPlan plan, InferenceMetrics metrics) {
    this.metrics = metrics;
    this.names = plan.plans().stream().map(NamedValues.Names::singles).toList();
    for (InputPlan inputs : plan.plans()) {
      for (InputPlan.Input input : inputs.inputs()) {
        onDemand.add(
            input instanceof InputPlan.Input.OnDemand demanded
                ? Expression.compile(
                    demanded.expression(), plan.source().schema(), Expression.Type.INPUT, Map.of())
                : null);
      }
    }
  }

  /** Sets the event's inputs of one plan, each once: they are what is served and what is told. */
  void fill(PendingEvent event, InputPlan plan) {
    for (int i = 0; i < plan.inputs().size(); i++) {
      int place = plan.firstInput() + i;
      Expression expression = onDemand.get(place);
      Object value = null;
      if (expression != null) {
        value = computed(expression, plan.kind(i), event.event);
      } else if (plan.inputs().get(i) instanceof InputPlan.Input.OfView ofView) {
        ViewRow row = event.rows[ofView.view()];
        value = row == null ? null : row.value(ofView.field());
      }
      if (value instanceof String text) {
        value = usable(text, event, place);
      }
      event.inputs[place] = value;
      if (value == null) {
        metrics.missingInputs.inc();
      }
    }
  }

  /** The text itself; null, and what is wrong with it noted, where no model takes it. */
  private @Nullable String usable(String text, PendingEvent event, int place) {
    String flaw = TextInput.flaw(text);
    if (flaw == null) {
      return text;
    }
    metrics.inputsFailed.inc();
    event.flawed(place, flaw);
    return null;
  }

  /**
   * The event's inputs of one plan that are single values, Doubles and Strings, which were filled:
   * a vector is in the event, and in no record beside it.
   */
  Map<String, @Nullable Object> byName(PendingEvent event, InputPlan plan) {
    return new NamedValues<>(names.get(plan.number()), event.inputs, plan.firstInput());
  }

  private @Nullable Object computed(Expression expression, Model.Input.Kind kind, Event event) {
    Object value;
    try {
      value = expression.evaluate(event.values());
    } catch (ExpressionException e) {
      metrics.inputsFailed.inc();
      return null;
    }
    if (value == null) {
      return null;
    }
    boolean usable =
        switch (kind) {
          case NUMBER -> value instanceof Double number && Double.isFinite(number);
          case VECTOR -> value instanceof Numbers numbers && numbers.isFinite();
          case TEXT -> value instanceof String;
        };
    if (usable) {
      return value;
    }
    metrics.inputsFailed.inc();
    return null;
  }
}
