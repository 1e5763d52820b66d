package dev.millrace.core.expression;

import dev.cel.common.CelErrorCode;
import dev.cel.common.CelIssue;
import dev.cel.common.CelValidationResult;
import dev.cel.common.types.CelType;
import dev.cel.common.types.ListType;
import dev.cel.common.types.NullableType;
import dev.cel.runtime.CelEvaluationException;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** CEL's complaints, said for whoever wrote the expression. */
final class Issues {

  private static final Pattern UNDECLARED =
      Pattern.compile("undeclared reference to '([^']*)'.*", Pattern.DOTALL);
  private static final Pattern NO_OVERLOAD =
      Pattern.compile(
          "found no matching overload for '([^']*)' applied to '(.*)' \\(candidates.*",
          Pattern.DOTALL);
  private static final Pattern PLACE = Pattern.compile("evaluation error( at [^:]*:\\d+)?: ");

  private Issues() {}

  /**
   * The first complaint.
   *
   * @param functions what to do where a function is not known
   */
  static ExpressionException of(
      String text, CelValidationResult result, List<String> names, String functions) {
    CelIssue issue = result.getErrors().get(0);
    // CEL counts lines from 1 and columns from 0.
    int line = issue.getSourceLocation().getLine();
    int column = issue.getSourceLocation().getColumn() + 1;
    String place =
        line > 1 ? " at line " + line + ", column " + column : " at column " + Math.max(1, column);
    String message = issue.getMessage();
    Matcher undeclared = UNDECLARED.matcher(message);
    if (undeclared.matches()) {
      return undeclared(text, undeclared.group(1), place, column, names, functions);
    }
    Matcher overload = NO_OVERLOAD.matcher(message);
    if (overload.matches()) {
      return overload(text, overload.group(1), overload.group(2), place);
    }
    return new ExpressionException(
        "compile", text, message.strip() + place, "write it as a CEL expression");
  }

  private static ExpressionException undeclared(
      String text, String name, String place, int column, List<String> names, String functions) {
    // A call is placed at its parenthesis, a name at its first letter.
    boolean function = column <= text.length() && text.charAt(column - 1) == '(';
    if (function) {
      return new ExpressionException(
          "compile", text, "there is no function " + name + place, functions);
    }
    Optional<String> nearest = Nearest.to(name, names);
    return new ExpressionException(
        "compile",
        text,
        "there is no field " + name + place,
        nearest.isPresent()
            ? "did you mean " + nearest.get() + "?"
            : names.isEmpty()
                ? "no names are known here"
                : "known are " + String.join(", ", names));
  }

  private static ExpressionException overload(
      String text, String function, String types, String place) {
    String plain = types.replaceAll("wrapper\\(([^)]*)\\)", "$1");
    String shown = shown(function);
    boolean mixed = plain.contains("double") && plain.contains("int");
    String repair;
    if (function.equals("_?_:_")) {
      repair =
          mixed
              ? "give both results one type: write 0.0 rather than 0"
              : "put true or false before ? and give both results one type";
    } else if (function.equals("!_")) {
      repair = "put true or false after !, as in !(x > 0)";
    } else if (mixed) {
      repair = "arithmetic does not mix: write 2.0 rather than 2, or double(x)";
    } else {
      repair = "convert one side, as in double(x) or string(x)";
    }
    return new ExpressionException(
        "compile", text, shown + " cannot be applied to " + plain + place, repair);
  }

  private static String shown(String function) {
    if (function.equals("_?_:_")) {
      return "?:";
    }
    if (function.equals("_[_]")) {
      return "[]";
    }
    if (function.equals("@in")) {
      return "in";
    }
    return function.startsWith("_") || function.endsWith("_")
        ? function.replace("_", "")
        : function;
  }

  static String typeName(CelType type) {
    CelType plain = type instanceof NullableType nullable ? nullable.targetType() : type;
    return switch (plain.kind()) {
      case BOOL -> "true or false";
      case INT, UINT -> "a whole number";
      case DOUBLE -> "a number";
      case STRING -> "text";
      case BYTES -> "bytes";
      case TIMESTAMP -> "a point in time";
      case DURATION -> "a duration";
      case LIST ->
          plain instanceof ListType list && list.hasElemType()
              ? "a list, each element " + typeName(list.elemType())
              : "a list";
      case NULL_TYPE -> "always null";
      default -> plain.name();
    };
  }

  /** Whether an operator met a null that it cannot take. */
  static boolean comesFromNull(CelEvaluationException e) {
    return e.getErrorCode() == CelErrorCode.OVERLOAD_NOT_FOUND;
  }

  static String reason(CelEvaluationException e) {
    if (e.getErrorCode() == CelErrorCode.DIVIDE_BY_ZERO) {
      return "division by zero";
    }
    String message = PLACE.matcher(String.valueOf(e.getMessage())).replaceFirst("");
    boolean bareKey =
        e.getErrorCode() == CelErrorCode.ATTRIBUTE_NOT_FOUND && !message.contains("not present");
    return bareKey ? "key " + message + " is not present" : message;
  }
}
