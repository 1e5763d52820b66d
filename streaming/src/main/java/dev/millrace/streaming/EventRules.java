package dev.millrace.streaming;

import dev.millrace.core.definition.Source;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.core.row.Numbers;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an event must be, whatever it came with: an id and a time, finite numbers where one is used,
 * not from the future, and all that the source's contract says.
 */
public final class EventRules {

  private final SourcePlan plan;
  private final List<Rule> rules = new ArrayList<>();

  private record Rule(String name, Expression check, String text) {}

  /** The first rule that an event breaks: a dead letter's reason and message. */
  public record Broken(String reason, String message) {}

  public EventRules(SourcePlan plan) {
    this.plan = plan;
    for (Source.ContractRule rule : plan.contract()) {
      rules.add(
          new Rule(
              rule.name(),
              Expression.compile(rule.check(), plan.schema(), Expression.Type.BOOLEAN, Map.of()),
              rule.check()));
    }
  }

  /**
   * Judges an event.
   *
   * @param values in the order of the source's schema
   * @param recordTimeMillis when the event became known
   * @param recordTime what that time is, in messages
   * @return null where it breaks no rule
   */
  public @Nullable Broken broken(
      @Nullable Object[] values, long recordTimeMillis, String recordTime) {
    if (values[plan.idField()] == null) {
      return new Broken(DeadLetter.Reason.MALFORMED, fieldName(plan.idField()) + " is null");
    }
    if (!(values[plan.timeField()] instanceof Long eventTimeMillis)) {
      return new Broken(DeadLetter.Reason.MALFORMED, fieldName(plan.timeField()) + " is null");
    }
    for (int field : plan.usedFields()) {
      if (!finite(values[field])) {
        return new Broken(
            DeadLetter.Reason.NON_FINITE,
            fieldName(field) + " is " + shown(values[field]) + ", a finite number is needed");
      }
    }
    long aheadMillis = eventTimeMillis - recordTimeMillis;
    if (eventTimeMillis > recordTimeMillis && aheadMillis > plan.maxAheadMillis()) {
      return new Broken(
          DeadLetter.Reason.FUTURE,
          fieldName(plan.timeField())
              + " is "
              + Instant.ofEpochMilli(eventTimeMillis)
              + ", more than max-ahead ("
              + plan.maxAheadMillis()
              + " ms) beyond "
              + recordTime
              + " "
              + Instant.ofEpochMilli(recordTimeMillis));
    }
    for (Rule rule : rules) {
      String broken = broken(rule, values);
      if (broken != null) {
        return new Broken(rule.name, broken);
      }
    }
    return null;
  }

  /** Of an event that breaks no rule. */
  public long eventTimeMillis(@Nullable Object[] values) {
    return values[plan.timeField()] instanceof Long millis ? millis : Long.MIN_VALUE;
  }

  /** The event id as text. */
  public String id(@Nullable Object[] values) {
    return String.valueOf(values[plan.idField()]);
  }

  private static @Nullable String broken(Rule rule, @Nullable Object[] values) {
    try {
      return Boolean.TRUE.equals(rule.check.evaluate(values))
          ? null
          : "the check " + rule.text + " does not hold";
    } catch (ExpressionException e) {
      return "the check " + rule.text + " cannot be computed: " + e.getMessage();
    }
  }

  private static boolean finite(@Nullable Object value) {
    if (value instanceof Double number) {
      return Double.isFinite(number);
    }
    if (value instanceof Float number) {
      return Float.isFinite(number);
    }
    if (value instanceof Numbers numbers) {
      return numbers.isFinite();
    }
    if (value instanceof List<?> list) {
      return list.stream().allMatch(EventRules::finite);
    }
    return true;
  }

  /** Of a long vector the first number that is not finite is enough. */
  private static String shown(@Nullable Object value) {
    if (value instanceof Numbers numbers) {
      for (int i = 0; i < numbers.size(); i++) {
        if (!Double.isFinite(numbers.at(i))) {
          return "a vector whose value " + i + " is " + numbers.at(i);
        }
      }
    }
    return String.valueOf(value);
  }

  private String fieldName(int field) {
    return plan.schema().getFields().get(field).name();
  }
}
