package dev.millrace.scoring;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import dev.millrace.core.row.Numbers;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The values of a batch, where a model's tensors take them from. For one thread. */
final class InputBuffers {

  private final InputLayout layout;
  private final List<InputValues> values = new ArrayList<>();

  /** An array, because it is looked through for each row. */
  private final InputValues.Wholes[] wholes;

  private final boolean hasTexts;

  /** The usual model's only tensor, put to without a detour; null where it has others. */
  private final @Nullable FloatBuffer floats;

  private final int columns;
  private final int maxRows;

  InputBuffers(InputLayout layout, int maxRows) {
    this.layout = layout;
    this.maxRows = maxRows;
    this.columns = layout.columns().size();
    List<InputValues.Wholes> whole = new ArrayList<>();
    boolean texts = false;
    for (InputLayout.Node node : layout.nodes()) {
      InputValues one = InputValues.of(node, maxRows);
      values.add(one);
      texts |= one instanceof InputValues.Texts;
      if (one instanceof InputValues.Wholes numbers) {
        whole.add(numbers);
      }
    }
    this.wholes = whole.toArray(InputValues.Wholes[]::new);
    this.hasTexts = texts;
    this.floats =
        layout.nodes().size() == 1
                && layout.nodes().get(0).width() == columns
                && values.get(0) instanceof InputValues.Floats only
            ? only.buffer()
            : null;
  }

  /** Whether tensors have to be made for each batch. */
  boolean hasTexts() {
    return hasTexts;
  }

  void put(int row, int column, double value) {
    if (floats != null) {
      check(column);
      floats.put(row * columns + column, (float) value);
    } else {
      of(column).put(at(row, column), value);
    }
  }

  void put(int row, int column, long value) {
    of(column).put(at(row, column), value);
  }

  void put(int row, int column, String value) {
    of(column).put(at(row, column), value);
  }

  void put(int row, int column, Numbers vector) {
    int width = layout.columns().get(check(column)).width();
    if (vector.size() != width) {
      throw new IllegalArgumentException(
          "Cannot put %d values into input %s, which has %d"
              .formatted(vector.size(), layout.columns().get(column).name(), width));
    }
    of(column).put(at(row, column), vector);
  }

  /** Sets one value of a column that may be a vector. */
  void put(int row, int column, int index, double value) {
    of(column).put(at(row, column) + index, value);
  }

  /** Sets one text of a column that may be a vector. */
  void put(int row, int column, int index, String value) {
    of(column).put(at(row, column) + index, value);
  }

  /** Every value is 0, every text empty. */
  void clear() {
    for (InputValues each : values) {
      for (int at = 0; at < maxRows * each.node().width(); at++) {
        if (each instanceof InputValues.Texts texts) {
          texts.put(at, "");
        } else {
          each.put(at, 0.0);
        }
      }
    }
  }

  /** Whether a value of the row is one that its tensor cannot hold. */
  boolean isUnfit(int row) {
    for (InputValues.Wholes whole : wholes) {
      if (whole.isUnfit(row)) {
        return true;
      }
    }
    return false;
  }

  /** Tensors over the first rows, by name; whoever asks closes them. */
  Map<String, OnnxTensor> tensors(int rows) throws OrtException {
    Map<String, OnnxTensor> tensors = new HashMap<>();
    boolean made = false;
    try {
      for (InputValues each : values) {
        tensors.put(each.node().name(), each.tensor(rows));
      }
      made = true;
      return tensors;
    } finally {
      if (!made) {
        tensors.values().forEach(OnnxTensor::close);
      }
    }
  }

  private InputValues of(int column) {
    return values.get(layout.place(check(column)).node());
  }

  private int at(int row, int column) {
    InputLayout.Place place = layout.place(column);
    return row * layout.nodes().get(place.node()).width() + place.offset();
  }

  private int check(int column) {
    if (column < 0 || column >= columns) {
      throw new IndexOutOfBoundsException("column " + column + " of " + columns);
    }
    return column;
  }
}
