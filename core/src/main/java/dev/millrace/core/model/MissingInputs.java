package dev.millrace.core.model;

import dev.millrace.core.definition.Model;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;

/** What a model gets in the place of an input that is missing, in the order of its signature. */
public final class MissingInputs implements Serializable {

  private static final long serialVersionUID = 1L;

  private final double[] values;

  private MissingInputs(double[] values) {
    this.values = values;
  }

  public static MissingInputs of(Model model) {
    List<Model.Input> inputs = model.inputs();
    double[] values = new double[inputs.size()];
    Arrays.setAll(
        values, i -> model.missing().getOrDefault(inputs.get(i).name(), model.missingDefault()));
    return new MissingInputs(values);
  }

  /** The value of the input at this index. */
  public double value(int index) {
    return values[index];
  }
}
