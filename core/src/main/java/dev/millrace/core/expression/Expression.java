package dev.millrace.core.expression;

import dev.cel.common.CelAbstractSyntaxTree;
import dev.cel.common.ast.CelExpr;
import dev.cel.common.types.CelKind;
import dev.cel.common.types.CelType;
import dev.cel.common.types.ListType;
import dev.cel.common.types.NullableType;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.CelVariableResolver;
import dev.cel.runtime.Program;
import dev.millrace.core.plugin.Plugins;
import dev.millrace.core.row.Numbers;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * A CEL expression over the fields of a source, checked once and evaluated for each event.
 *
 * <p>Where a field that it uses is null and the expression does not itself ask ({@code fare !=
 * null}), the result is null. For one thread; a job keeps the text and compiles it where it runs.
 */
public final class Expression {

  /** What an expression gives, or a variable holds. */
  public enum Type {
    BOOLEAN,
    LONG,
    /** A whole number is taken too, and converted. */
    DOUBLE,
    STRING,
    /** Epoch milliseconds outside of the expression. */
    TIMESTAMP,
    /** A list of numbers. */
    VECTOR,
    /** What a model takes: a number, a boolean as 0 or 1, a list of numbers, or a text. */
    INPUT,
    ANY
  }

  private final String text;
  private final Type expected;
  private final Type type;
  private final Program program;
  private final Activation activation;
  private final Set<String> fields;

  /** The one number, vector or text of the record that this is, where it is no more than that. */
  private final @Nullable Variable number;

  /** Whether it is that number as the record has it, where the record has a double. */
  private final boolean real;

  private Expression(
      String text,
      Type expected,
      Type type,
      Program program,
      List<Variable> variables,
      CelExpr expression) {
    this.text = text;
    this.expected = expected;
    this.type = type;
    this.program = program;
    this.activation = new Activation(variables.toArray(new Variable[0]));
    Set<String> names = new LinkedHashSet<>();
    variables.stream().filter(v -> v.position >= 0).forEach(v -> names.add(v.name));
    this.fields = Collections.unmodifiableSet(names);
    boolean one = variables.size() == 1 && variables.get(0).position >= 0;
    this.number = one && isNumber(expression, expected) ? variables.get(0) : null;
    this.real =
        number != null
            && type == Type.DOUBLE
            && (expected == Type.DOUBLE || expected == Type.INPUT || expected == Type.ANY);
  }

  /** Whether it is {@code x} or {@code double(x)}: for these there is nothing to compute. */
  private static boolean isNumber(CelExpr expression, Type expected) {
    if (expression.getKind() == CelExpr.ExprKind.Kind.IDENT) {
      return true;
    }
    return (expected == Type.INPUT || expected == Type.DOUBLE)
        && expression.getKind() == CelExpr.ExprKind.Kind.CALL
        && expression.call().function().equals("double")
        && expression.call().target().isEmpty()
        && expression.call().args().size() == 1
        && expression.call().args().get(0).getKind() == CelExpr.ExprKind.Kind.IDENT;
  }

  /**
   * Parses and type-checks an expression.
   *
   * @param record the record whose fields are variables
   * @param extraVariables further variables; one hides a field of the same name
   * @throws ExpressionException if it cannot be used, with a reason for whoever wrote it
   */
  public static Expression compile(
      String text, Schema record, Type expected, Map<String, Type> extraVariables) {
    return compile(text, record, expected, extraVariables, Plugins.installed());
  }

  /** The same with given functions of users in the place of the installed ones. */
  public static Expression compile(
      String text,
      Schema record,
      Type expected,
      Map<String, Type> extraVariables,
      Plugins plugins) {
    Environment environment = new Environment(record, extraVariables, UserFunctions.of(plugins));
    Environment.Checked checked = environment.check(text);
    CelAbstractSyntaxTree tree = checked.tree();
    Type type = type(tree.getResultType());
    boolean otherList =
        expected == Type.INPUT && type == Type.ANY && tree.getResultType().kind() == CelKind.LIST;
    if (otherList || !fits(expected, type)) {
      throw new ExpressionException(
          "compile",
          text,
          "it gives " + Issues.typeName(tree.getResultType()) + " where " + wanted(expected),
          repair(expected, type));
    }
    List<Variable> variables = new ArrayList<>();
    for (String name : checked.used()) {
      boolean extra = extraVariables.containsKey(name);
      Schema.Field field = extra ? null : record.getField(name);
      FieldType fieldType = field == null ? null : FieldType.of(field.schema());
      variables.add(
          field == null || fieldType == null
              ? new Variable(name, -1, value -> value, true)
              : new Variable(
                  name, field.pos(), fieldType.conversion(), checked.asked().contains(name)));
    }
    return new Expression(
        text, expected, type, environment.program(text, tree), variables, tree.getExpr());
  }

  /**
   * The functions of users that an expression calls, with their versions.
   *
   * @return none where the text is no expression
   */
  public static SortedMap<String, Integer> functions(String text, Plugins plugins) {
    return UserFunctions.of(plugins).versions(Environment.called(text));
  }

  public String text() {
    return text;
  }

  /**
   * What the expression was found to give: for an INPUT, DOUBLE, VECTOR or STRING; ANY if not
   * known.
   */
  public Type type() {
    if (expected == Type.DOUBLE
        || (expected == Type.INPUT && type != Type.VECTOR && type != Type.STRING)) {
      return Type.DOUBLE;
    }
    return type;
  }

  /** The fields of the record that it uses, in the order of their first use. */
  public Set<String> fields() {
    return fields;
  }

  /** The result for one event, whose values stand in the order of the record's fields. */
  public @Nullable Object evaluate(@Nullable Object[] fieldValues) {
    return evaluate(fieldValues, Map.of());
  }

  /**
   * The result for one event.
   *
   * @return a Boolean, Long, Double, String, byte[], List or Map; a point in time as epoch
   *     milliseconds; a vector as {@link Numbers}
   * @throws ExpressionException if it cannot be computed for these values
   */
  public @Nullable Object evaluate(
      @Nullable Object[] fieldValues, Map<String, ? extends @Nullable Object> extras) {
    if (real && number != null && fieldValues[number.position] instanceof Double known) {
      return known;
    }
    boolean askedNull = false;
    for (Variable variable : activation.variables) {
      if (variable.position >= 0 && fieldValues[variable.position] == null) {
        if (!variable.asked) {
          return null;
        }
        askedNull = true;
      }
    }
    if (number != null) {
      Object value = fieldValues[number.position];
      if (value instanceof Numbers vector && type == Type.VECTOR) {
        return vector;
      }
      Object known =
          value == null || value instanceof List<?> ? null : number.conversion.apply(value);
      if (known instanceof Double || known instanceof Long || known instanceof String) {
        return converted(known);
      }
    }
    activation.fieldValues = fieldValues;
    activation.extras = extras;
    try {
      Object result = Values.plain(program.eval(activation));
      return result == null ? null : converted(result);
    } catch (CelEvaluationException e) {
      if (askedNull && Issues.comesFromNull(e)) {
        return null;
      }
      throw new ExpressionException("compute", text, Issues.reason(e), "");
    }
  }

  private Object converted(Object result) {
    switch (expected) {
      case DOUBLE:
        return orUnfit(Values.real(result), result);
      case INPUT:
        if (result instanceof Boolean truth) {
          return truth ? 1.0 : 0.0;
        }
        if (result instanceof String && type == Type.STRING) {
          return result;
        }
        return result instanceof List<?> list ? vector(list) : orUnfit(Values.real(result), result);
      case VECTOR:
        return result instanceof List<?> list ? vector(list) : orUnfit(null, result);
      case BOOLEAN:
        return orUnfit(result instanceof Boolean ? result : null, result);
      case LONG:
      case TIMESTAMP:
        return orUnfit(result instanceof Long ? result : null, result);
      case STRING:
        return orUnfit(result instanceof String ? result : null, result);
      case ANY:
        return result instanceof List<?> list && type == Type.VECTOR ? vector(list) : result;
    }
    return result;
  }

  private Numbers vector(List<?> values) {
    double[] numbers = new double[values.size()];
    int next = 0;
    for (Object value : values) {
      Double one = Values.real(value);
      if (one == null) {
        throw new ExpressionException(
            "compute", text, "its list holds " + value + ", which is no number", "");
      }
      numbers[next++] = one;
    }
    return Numbers.of(numbers);
  }

  private <T> T orUnfit(@Nullable T fit, Object result) {
    if (fit == null) {
      throw new ExpressionException(
          "compute", text, "it gave " + result + " where " + wanted(expected), "");
    }
    return fit;
  }

  private static Type type(CelType celType) {
    CelType plain = celType instanceof NullableType nullable ? nullable.targetType() : celType;
    return switch (plain.kind()) {
      case BOOL -> Type.BOOLEAN;
      case INT, UINT -> Type.LONG;
      case DOUBLE -> Type.DOUBLE;
      case STRING -> Type.STRING;
      case TIMESTAMP -> Type.TIMESTAMP;
      case LIST -> vectorOrAny(plain);
      default -> Type.ANY;
    };
  }

  private static Type vectorOrAny(CelType list) {
    if (list instanceof ListType typed && typed.hasElemType()) {
      CelKind element = typed.elemType().kind();
      if (element == CelKind.DOUBLE || element == CelKind.INT || element == CelKind.DYN) {
        return Type.VECTOR;
      }
    }
    return Type.ANY;
  }

  private static boolean fits(Type expected, Type type) {
    return switch (expected) {
      case ANY -> true;
      case DOUBLE -> type == Type.DOUBLE || type == Type.LONG || type == Type.ANY;
      case INPUT -> type != Type.TIMESTAMP;
      default -> type == expected || type == Type.ANY;
    };
  }

  private static String wanted(Type expected) {
    return switch (expected) {
      case BOOLEAN -> "true or false is needed";
      case LONG -> "a whole number is needed";
      case DOUBLE -> "a number is needed";
      case STRING -> "text is needed";
      case TIMESTAMP -> "a point in time is needed";
      case VECTOR -> "a list of numbers is needed";
      case INPUT -> "a number, a list of numbers or a text is needed";
      case ANY -> "a value is needed";
    };
  }

  private static String repair(Type expected, Type type) {
    if (expected == Type.BOOLEAN) {
      return "compare it, as in x > 0";
    }
    if (expected == Type.DOUBLE || expected == Type.INPUT) {
      return switch (type) {
        case BOOLEAN -> "write condition ? 1.0 : 0.0";
        case STRING -> "make it a number, as in x == 'a' ? 1.0 : 0.0";
        case TIMESTAMP -> "take a part of it, as in t.getHours('UTC')";
        default -> "make it a number";
      };
    }
    return "change it to give " + expected.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public String toString() {
    return text;
  }

  /** One name the expression uses; position -1 where it is no field of the record. */
  private static final class Variable {
    final String name;
    final int position;
    final FieldType.Conversion conversion;
    final boolean asked;

    Variable(String name, int position, FieldType.Conversion conversion, boolean asked) {
      this.name = name;
      this.position = position;
      this.conversion = conversion;
      this.asked = asked;
    }
  }

  /** Gives CEL the values it asks for, converting no others. */
  private static final class Activation implements CelVariableResolver {
    final Variable[] variables;
    @Nullable Object[] fieldValues = new @Nullable Object[0];
    Map<String, ? extends @Nullable Object> extras = Map.of();

    Activation(Variable[] variables) {
      this.variables = variables;
    }

    @Override
    public Optional<Object> find(String name) {
      for (Variable variable : variables) {
        if (variable.name.equals(name)) {
          return Optional.of(
              variable.position < 0
                  ? Values.fromExtra(extras.get(name))
                  : Values.orCelNull(fieldValues[variable.position], variable.conversion));
        }
      }
      return Optional.empty();
    }
  }
}
