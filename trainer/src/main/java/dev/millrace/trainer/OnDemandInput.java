package dev.millrace.trainer;

import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * An on-demand input, computed from an event.
 *
 * <p>What only depends on text, enums and booleans has few values, so that it is remembered instead
 * of computed for each of a million events; up to {@value #REMEMBERED_MAX} of them.
 */
final class OnDemandInput {

  private static final int REMEMBERED_MAX = 10_000;

  private final Expression expression;
  private final int[] positions;
  private final boolean remembers;
  private final Map<List<@Nullable Object>, Result> remembered = new HashMap<>();

  /**
   * A value, or that there is none.
   *
   * @param value NaN where it is missing
   * @param uncomputed whether it is missing because it cannot be computed
   */
  record Result(double value, boolean uncomputed) {
    private static final Result MISSING = new Result(Double.NaN, false);
    private static final Result UNCOMPUTED = new Result(Double.NaN, true);
  }

  OnDemandInput(Expression expression, Schema record) {
    this.expression = expression;
    this.positions = expression.fields().stream().mapToInt(f -> record.getField(f).pos()).toArray();
    this.remembers =
        expression.fields().stream().allMatch(f -> hasFewValues(record.getField(f).schema()));
  }

  private static boolean hasFewValues(Schema schema) {
    return switch (schema.getType()) {
      case STRING, ENUM, BOOLEAN, NULL -> true;
      case UNION -> schema.getTypes().stream().allMatch(OnDemandInput::hasFewValues);
      default -> false;
    };
  }

  /** The value for an event, whose values stand in the order of the record's fields. */
  Result of(@Nullable Object[] values) {
    if (!remembers) {
      return computed(values);
    }
    @Nullable Object[] key = new @Nullable Object[positions.length];
    for (int i = 0; i < key.length; i++) {
      key[i] = values[positions[i]];
    }
    List<@Nullable Object> known = Arrays.asList(key);
    Result result = remembered.get(known);
    if (result == null) {
      result = computed(values);
      if (remembered.size() < REMEMBERED_MAX) {
        remembered.put(known, result);
      }
    }
    return result;
  }

  private Result computed(@Nullable Object[] values) {
    try {
      Object computed = expression.evaluate(values);
      if (computed == null) {
        return Result.MISSING;
      }
      return computed instanceof Double number && Double.isFinite(number)
          ? new Result(number, false)
          : Result.UNCOMPUTED;
    } catch (ExpressionException e) {
      // Scoring takes what is no finite number as missing too.
      return Result.UNCOMPUTED;
    }
  }
}
