package dev.millrace.scoring;

import java.util.ArrayList;
import java.util.List;

/**
 * One of the inputs that a model is given for each row.
 *
 * @param width 1, or the length of a vector; {@link #AS_THE_FILE} where the model's file says it
 * @param isText whether it is a text, not a number
 */
public record InputColumn(String name, int width, boolean isText) {

  /** Of a vector that is as long as the model takes it. */
  public static final int AS_THE_FILE = 0;

  public InputColumn {
    if (width < 0) {
      throw new IllegalArgumentException(
          "Cannot take input " + name + " of " + width + " values: it must have at least 1");
    }
  }

  /** Numbers. */
  public InputColumn(String name, int width) {
    this(name, width, false);
  }

  /** One text. */
  public static InputColumn text(String name) {
    return new InputColumn(name, 1, true);
  }

  /** A vector that is as long as the model's file says. */
  public static InputColumn vector(String name) {
    return new InputColumn(name, AS_THE_FILE);
  }

  /** Single values of these names. */
  public static List<InputColumn> single(List<String> names) {
    return names.stream().map(name -> new InputColumn(name, 1)).toList();
  }

  /** Single values whose names do not matter. */
  static List<InputColumn> unnamed(int count) {
    List<InputColumn> columns = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      columns.add(new InputColumn("#" + i, 1));
    }
    return List.copyOf(columns);
  }
}
