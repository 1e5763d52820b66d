package dev.millrace.core.model;

import dev.millrace.core.definition.Model;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;

/** What a model gets in the place of an input that is missing, in the order of its signature. */
public final class MissingInputs implements Serializable {

  private static final long serialVersionUID = 2L;

  private final double[] numbers;
  private final String[] texts;

  private MissingInputs(double[] numbers, String[] texts) {
    this.numbers = numbers;
    this.texts = texts;
  }

  public static MissingInputs of(Model model) {
    List<Model.Input> inputs = model.inputs();
    double[] numbers = new double[inputs.size()];
    String[] texts = new String[inputs.size()];
    Arrays.setAll(numbers, i -> number(model, inputs.get(i).name()));
    Arrays.setAll(texts, i -> text(model, inputs.get(i).name()));
    return new MissingInputs(numbers, texts);
  }

  /** What stands for one input that is a number. */
  public static double number(Model model, String input) {
    return model.missing().getOrDefault(input, model.missingDefault());
  }

  /** What stands for one input that is a text. */
  public static String text(Model model, String input) {
    return model.missingTexts().getOrDefault(input, TextInput.MISSING);
  }

  /** The value of the input at this index, which is a number. */
  public double value(int index) {
    return numbers[index];
  }

  /** The text of the input at this index, which is one. */
  public String text(int index) {
    return texts[index];
  }
}
