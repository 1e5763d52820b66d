package dev.millrace.registry.search;

import dev.millrace.registry.search.Fields.Field;
import dev.millrace.registry.search.Fields.ValueType;
import dev.millrace.registry.search.Tokens.Kind;
import dev.millrace.registry.search.Tokens.Token;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Comparisons that have to hold all together: {@code metrics.rmse < 1 AND tags.team = 'a'}. There
 * is no OR, no NOT and no parenthesis but that of IN.
 */
public final class Filter {

  private static final int LENGTH_MAX = 20_000;
  private static final int COMPARISONS_MAX = 200;
  private static final Set<Operator> OF_NUMBERS =
      EnumSet.of(
          Operator.EQUAL,
          Operator.UNEQUAL,
          Operator.LESS,
          Operator.LESS_OR_EQUAL,
          Operator.GREATER,
          Operator.GREATER_OR_EQUAL);
  private static final Set<Operator> OF_TEXTS =
      EnumSet.of(
          Operator.EQUAL,
          Operator.UNEQUAL,
          Operator.LIKE,
          Operator.ILIKE,
          Operator.IS_NULL,
          Operator.IS_NOT_NULL);

  /** What is searched: one of many. */
  @FunctionalInterface
  public interface Subject {
    /**
     * A {@link String} or a {@link Number}, or a collection of which one has to do; null where it
     * has none.
     */
    @Nullable Object value(Field field);
  }

  private record Comparison(
      Field field, Operator operator, @Nullable Object value, @Nullable Pattern pattern) {}

  private final List<Comparison> comparisons;

  private Filter(List<Comparison> comparisons) {
    this.comparisons = comparisons;
  }

  /**
   * Reads a filter; an empty one lets everything through.
   *
   * @throws SearchException where it is none, or is about what is not there
   */
  public static Filter of(String text, Fields fields) {
    if (text.length() > LENGTH_MAX) {
      throw new SearchException(
          "the filter has " + text.length() + " characters, at most " + LENGTH_MAX + " are read");
    }
    return new Filter(new Reading(Tokens.of(text), fields, text).comparisons());
  }

  /** Whether everything holds of it. A comparison with what is not there does not hold. */
  public boolean accepts(Subject subject) {
    for (Comparison comparison : comparisons) {
      if (!holds(comparison, subject.value(comparison.field))) {
        return false;
      }
    }
    return true;
  }

  /** The one value that an attribute has to have, where the filter says so. */
  public Optional<String> equalTo(String attribute) {
    return equalities().stream()
        .filter(e -> e.field.group().equals(Field.ATTRIBUTES) && e.field.name().equals(attribute))
        .map(Equality::value)
        .findFirst();
  }

  /** A text that a field has to have. */
  public record Equality(Field field, String value) {}

  /** All that the filter says of this kind; what it lets through fulfils each of them. */
  public List<Equality> equalities() {
    List<Equality> equalities = new ArrayList<>();
    for (Comparison comparison : comparisons) {
      if (comparison.operator == Operator.EQUAL && comparison.value instanceof String text) {
        equalities.add(new Equality(comparison.field, text));
      }
    }
    return equalities;
  }

  private static boolean holds(Comparison comparison, @Nullable Object value) {
    if (value instanceof Collection<?> several) {
      return several.stream().anyMatch(one -> holds(comparison, one));
    }
    if (comparison.operator == Operator.IS_NULL) {
      return value == null;
    }
    if (value == null) {
      return false;
    }
    if (comparison.operator == Operator.IS_NOT_NULL) {
      return true;
    }
    if (comparison.value instanceof Double wanted) {
      return value instanceof Number number && holds(comparison.operator, number, wanted);
    }
    String text = value.toString();
    Pattern pattern = comparison.pattern;
    return switch (comparison.operator) {
      case EQUAL -> text.equals(comparison.value);
      case UNEQUAL -> !text.equals(comparison.value);
      case LIKE, ILIKE -> pattern != null && pattern.matcher(text).matches();
      case IN -> comparison.value instanceof List<?> list && list.contains(text);
      case NOT_IN -> comparison.value instanceof List<?> list && !list.contains(text);
      default -> false;
    };
  }

  private static boolean holds(Operator operator, Number number, double wanted) {
    double value = number.doubleValue();
    return switch (operator) {
      case EQUAL -> value == wanted;
      case UNEQUAL -> value != wanted;
      case LESS -> value < wanted;
      case LESS_OR_EQUAL -> value <= wanted;
      case GREATER -> value > wanted;
      case GREATER_OR_EQUAL -> value >= wanted;
      default -> false;
    };
  }

  /** One filter on its way. */
  private static final class Reading {
    private final List<Token> tokens;
    private final Fields fields;
    private final String text;
    private int at;

    Reading(List<Token> tokens, Fields fields, String text) {
      this.tokens = tokens;
      this.fields = fields;
      this.text = text;
    }

    List<Comparison> comparisons() {
      List<Comparison> all = new ArrayList<>();
      while (at < tokens.size()) {
        if (!all.isEmpty()) {
          Token and = next();
          if (and.kind() != Kind.WORD || !and.text().equalsIgnoreCase("AND")) {
            throw wrong("'" + and.text() + "' stands where AND should; there is AND only");
          }
        }
        all.add(comparison());
        if (all.size() > COMPARISONS_MAX) {
          throw wrong("it has more than " + COMPARISONS_MAX + " comparisons");
        }
      }
      return all;
    }

    private Comparison comparison() {
      Field field = Names.field(this::peek, this::next, fields);
      Operator operator = operator();
      check(field, operator);
      return switch (operator) {
        case IS_NULL, IS_NOT_NULL -> new Comparison(field, operator, null, null);
        case IN, NOT_IN -> new Comparison(field, operator, list(), null);
        case LIKE, ILIKE -> {
          String like = text(field);
          yield new Comparison(field, operator, like, like(like, operator == Operator.ILIKE));
        }
        default ->
            new Comparison(
                field,
                operator,
                field.type() == ValueType.NUMBER ? number(field) : text(field),
                null);
      };
    }

    private void check(Field field, Operator operator) {
      boolean fits =
          switch (operator) {
            case IN, NOT_IN ->
                (field.group().equals(Field.ATTRIBUTES) && fields.inLists().contains(field.name()))
                    || fields.inLists().contains(field.group() + "." + field.name());
            default ->
                (field.type() == ValueType.NUMBER ? OF_NUMBERS : OF_TEXTS).contains(operator);
          };
      if (!fits) {
        throw new SearchException(
            "Invalid comparator '"
                + operator.text()
                + "' for "
                + field.group()
                + " '"
                + field.name()
                + "' not one of "
                + (field.type() == ValueType.NUMBER ? OF_NUMBERS : OF_TEXTS)
                    .stream().map(Operator::text).toList());
      }
    }

    private Operator operator() {
      Token token = next();
      String said = token.text();
      if (token.kind() == Kind.WORD) {
        said = said.toUpperCase(Locale.ROOT);
        if (said.equals("NOT")) {
          said = "NOT " + next().text().toUpperCase(Locale.ROOT);
        } else if (said.equals("IS")) {
          String second = next().text().toUpperCase(Locale.ROOT);
          said = "IS " + second;
          if (second.equals("NOT")) {
            said += " " + next().text().toUpperCase(Locale.ROOT);
          }
        }
      }
      String operator = said;
      return Operator.of(operator)
          .filter(o -> token.kind() == Kind.SIGN || token.kind() == Kind.WORD)
          .orElseThrow(() -> wrong("'" + operator + "' is no comparison"));
    }

    private String text(Field field) {
      Token token = next();
      if (token.kind() != Kind.TEXT && token.kind() != Kind.DOUBLE_QUOTED) {
        throw new SearchException(
            "Expected a quoted string value for " + field.name() + ". Got value " + token.text());
      }
      return token.text();
    }

    private Double number(Field field) {
      Token token = next();
      try {
        if (token.kind() == Kind.WORD) {
          return Double.valueOf(token.text());
        }
      } catch (NumberFormatException e) {
        // Told below, as what is no word at all.
      }
      throw new SearchException(
          "Expected numeric value type for " + field.name() + ". Found " + token.text());
    }

    private List<String> list() {
      List<String> values = new ArrayList<>();
      expect("(");
      do {
        Token token = next();
        if (token.kind() != Kind.TEXT && token.kind() != Kind.DOUBLE_QUOTED) {
          throw wrong("a list has quoted texts, not " + token.text());
        }
        values.add(token.text());
      } while (more());
      return values;
    }

    private boolean more() {
      Token token = next();
      if (token.kind() == Kind.SIGN && token.text().equals(")")) {
        return false;
      }
      if (token.kind() == Kind.SIGN && token.text().equals(",")) {
        return true;
      }
      throw wrong("'" + token.text() + "' stands in a list where , or ) should");
    }

    private void expect(String sign) {
      Token token = next();
      if (token.kind() != Kind.SIGN || !token.text().equals(sign)) {
        throw wrong("'" + token.text() + "' stands where " + sign + " should");
      }
    }

    private @Nullable Token peek() {
      return at < tokens.size() ? tokens.get(at) : null;
    }

    private Token next() {
      if (at >= tokens.size()) {
        throw wrong("it ends too early");
      }
      return tokens.get(at++);
    }

    private SearchException wrong(String why) {
      return new SearchException(
          "Invalid clause(s) in filter string: '" + shortened(text) + "': " + why);
    }
  }

  static String shortened(String text) {
    return text.length() > 200 ? text.substring(0, 200) + "…" : text;
  }

  /** {@code %} is any text, {@code _} any character. */
  private static Pattern like(String like, boolean anyCase) {
    StringBuilder pattern = new StringBuilder();
    for (int i = 0; i < like.length(); i++) {
      char c = like.charAt(i);
      switch (c) {
        case '%' -> pattern.append(".*");
        case '_' -> pattern.append('.');
        default -> pattern.append(Pattern.quote(String.valueOf(c)));
      }
    }
    int flags = Pattern.DOTALL | (anyCase ? Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE : 0);
    return Pattern.compile(pattern.toString(), flags);
  }
}
