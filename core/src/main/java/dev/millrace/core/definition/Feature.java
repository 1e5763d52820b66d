package dev.millrace.core.definition;

import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One value of a row.
 *
 * @param column the source's field that is aggregated; null where the function needs none
 * @param window the length w of the window (T-w, T]; null where the feature has none
 * @param type the type of its values
 * @param options what else the function takes
 * @param plugin of {@link Function#PLUGIN} which; null of all others
 */
public record Feature(
    String name,
    Function function,
    @Nullable String column,
    @Nullable Duration window,
    ValueType type,
    Options options,
    @Nullable Plugin plugin) {

  public Feature {
    if ((function == Function.PLUGIN) != (plugin != null)) {
      throw new IllegalArgumentException(
          "Cannot make feature " + name + ": " + function + " with plugin " + plugin);
    }
  }

  /** Of a built-in function. */
  public Feature(
      String name,
      Function function,
      @Nullable String column,
      @Nullable Duration window,
      ValueType type,
      Options options) {
    this(name, function, column, window, type, options, null);
  }

  public Feature(
      String name,
      Function function,
      @Nullable String column,
      @Nullable Duration window,
      ValueType type) {
    this(name, function, column, window, type, Options.NONE);
  }

  /** The aggregations; {@code docs/aggregations.md} says what each is. */
  public enum Function {
    COUNT,
    COUNT_IF,
    SUM,
    MEAN,
    MIN,
    MAX,
    VARIANCE,
    VARIANCE_POP,
    STDDEV,
    STDDEV_POP,
    SKEW,
    KURTOSIS,
    FIRST,
    LAST,
    FIRST_K,
    LAST_K,
    LAST_DISTINCT_K,
    TOP_K,
    BOTTOM_K,
    COUNT_DISTINCT,
    APPROX_COUNT_DISTINCT,
    PERCENTILE,
    HISTOGRAM,
    FREQUENT_ITEMS,
    RATIO,
    DECAYED_SUM,
    DECAYED_MEAN,
    TIME_SINCE_LAST,
    RATE,
    DELTA,
    ZSCORE,
    /** A user's function: {@link Feature#plugin} says which. */
    PLUGIN;

    /** Whether it takes numbers alone, and so reads a column as doubles. */
    public boolean needsNumbers() {
      return switch (this) {
        case SUM,
            MEAN,
            MIN,
            MAX,
            VARIANCE,
            VARIANCE_POP,
            STDDEV,
            STDDEV_POP,
            SKEW,
            KURTOSIS,
            TOP_K,
            BOTTOM_K,
            PERCENTILE,
            RATIO,
            DECAYED_SUM,
            DECAYED_MEAN,
            DELTA,
            ZSCORE ->
            true;
        case COUNT,
            COUNT_IF,
            FIRST,
            LAST,
            FIRST_K,
            LAST_K,
            LAST_DISTINCT_K,
            COUNT_DISTINCT,
            APPROX_COUNT_DISTINCT,
            HISTOGRAM,
            FREQUENT_ITEMS,
            TIME_SINCE_LAST,
            RATE,
            PLUGIN ->
            false;
      };
    }
  }

  /** A user's function, in the version that the definition was read with. */
  public record Plugin(String name, int version) implements Serializable {}

  /**
   * What a function takes besides its column.
   *
   * @param when CEL over the source's fields: which events {@code count_if} counts
   * @param by the field by whose values the feature is a map
   * @param denominator the field below the line of {@code ratio}
   * @param p the rank of {@code percentile}, in [0, 1]
   * @param k how many values a list holds, or how large a sketch or a set may grow
   * @param halfLife after which a value of {@code decayed_sum} and {@code decayed_mean} counts half
   * @param edges the bounds between the bins of a numeric {@code histogram}, ascending
   */
  public record Options(
      @Nullable String when,
      @Nullable String by,
      @Nullable String denominator,
      @Nullable Double p,
      @Nullable Integer k,
      @Nullable Duration halfLife,
      List<Double> edges) {

    public static final Options NONE = new Options(null, null, null, null, null, null, List.of());

    public Options {
      edges = List.copyOf(edges);
    }
  }

  /**
   * The type of a feature's values: Long, Double, String, Boolean, a List of elements, or a Map
   * from String to elements.
   *
   * @param element of a list or of a map's values; null for the others
   */
  public record ValueType(Kind kind, @Nullable ValueType element) implements Serializable {

    public static final ValueType LONG = new ValueType(Kind.LONG, null);
    public static final ValueType DOUBLE = new ValueType(Kind.DOUBLE, null);
    public static final ValueType STRING = new ValueType(Kind.STRING, null);
    public static final ValueType BOOLEAN = new ValueType(Kind.BOOLEAN, null);

    public ValueType {
      boolean nested = kind == Kind.LIST || kind == Kind.MAP;
      if (nested != (element != null)) {
        throw new IllegalArgumentException(
            "Cannot make a type of kind " + kind + " with element " + element);
      }
    }

    public static ValueType listOf(ValueType element) {
      return new ValueType(Kind.LIST, element);
    }

    public static ValueType mapOf(ValueType element) {
      return new ValueType(Kind.MAP, element);
    }

    /** Of a list or a map. */
    public ValueType elementType() {
      if (element == null) {
        throw new IllegalStateException("Cannot name the elements of a " + kind);
      }
      return element;
    }

    /** Whether a value is one number. */
    public boolean isNumber() {
      return kind == Kind.LONG || kind == Kind.DOUBLE;
    }

    /** Whether a model takes a value as an input: as a number, or as a text. */
    public boolean isInput() {
      return isNumeric() || isText();
    }

    /** Whether a value counts as a number: one, or true and false as 1 and 0. */
    public boolean isNumeric() {
      return isNumber() || kind == Kind.BOOLEAN;
    }

    public boolean isText() {
      return kind == Kind.STRING;
    }

    /** In messages: {@code a text}, {@code a list}. */
    public String noun() {
      return switch (kind) {
        case LONG, DOUBLE -> "a number";
        case STRING -> "a text";
        case BOOLEAN -> "a boolean";
        case LIST -> "a list";
        case MAP -> "a map";
      };
    }

    /** What a value is. */
    public enum Kind {
      LONG,
      DOUBLE,
      STRING,
      BOOLEAN,
      LIST,
      MAP
    }

    /** {@code LONG}, {@code LIST<DOUBLE>}: part of a view's definition id. */
    @Override
    public String toString() {
      return element == null ? kind.name() : kind + "<" + element + ">";
    }
  }
}
