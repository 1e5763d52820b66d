package dev.millrace.scoring;

import java.util.List;

/**
 * A tensor that a model takes, for those who fill it themselves.
 *
 * @param width values a row
 * @param hasRank2 whether its shape is {@code [N, width]}, not {@code [N]}
 * @param columns the columns of the signature whose values a row holds, in order; a vector's stands
 *     there once
 * @param lengths how many values each of these columns has
 */
public record InputTensor(
    String name,
    Kind kind,
    int width,
    boolean hasRank2,
    List<Integer> columns,
    List<Integer> lengths) {

  /** A tensor of single values. */
  public InputTensor(String name, Kind kind, int width, boolean hasRank2, List<Integer> columns) {
    this(name, kind, width, hasRank2, columns, columns.stream().map(c -> 1).toList());
  }

  /** What its values are. */
  public enum Kind {
    FLOAT,
    DOUBLE,
    INT64,
    TEXT
  }
}
