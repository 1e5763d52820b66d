package dev.millrace.scoring.explain;

import dev.millrace.scoring.BatchScorer;
import dev.millrace.scoring.ComputeDevice;
import dev.millrace.scoring.InputColumn;
import dev.millrace.scoring.OnnxModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A version of a model opened to be asked why. What it says of its trees or weights counts only
 * where it gives the score that ONNX Runtime gives; else the model is tried out.
 */
public final class Explanation implements AutoCloseable {

  private static final int BATCH_ROWS = 256;

  /** ONNX Runtime adds floats. */
  private static final double FLOATS = 1e-4;

  private final OnnxModel model;
  private final BatchScorer scorer;
  private final ModelForm.Found found;
  private final List<List<String>> texts;

  private Explanation(
      OnnxModel model, BatchScorer scorer, ModelForm.Found found, List<List<String>> texts) {
    this.model = model;
    this.scorer = scorer;
    this.found = found;
    this.texts = List.copyOf(texts);
  }

  /**
   * Opens an artifact on the CPU.
   *
   * @param sha256 of its bytes, in hex
   * @param inputs the signature, of numbers
   */
  public static Explanation open(Path artifact, String sha256, List<String> inputs)
      throws IOException {
    return open(
        artifact,
        sha256,
        InputColumn.single(inputs),
        inputs.stream().map(input -> List.<String>of()).toList());
  }

  /**
   * Opens an artifact on the CPU.
   *
   * @param signature of single values
   * @param texts by input: those that a row may have, which stand in it as their numbers; none for
   *     an input that is a number
   */
  public static Explanation open(
      Path artifact, String sha256, List<InputColumn> signature, List<List<String>> texts)
      throws IOException {
    byte[] bytes = Files.readAllBytes(artifact);
    OnnxModel model = OnnxModel.load(artifact, sha256, signature, ComputeDevice.CPU);
    boolean opened = false;
    try {
      boolean hasTexts = signature.stream().anyMatch(InputColumn::isText);
      Explanation explanation =
          new Explanation(
              model,
              model.scorer(BATCH_ROWS),
              hasTexts ? new ModelForm.Found(null, null) : ModelForm.of(bytes, signature.size()),
              texts);
      opened = true;
      return explanation;
    } finally {
      if (!opened) {
        model.close();
      }
    }
  }

  /** The names of the inputs as the file has them; empty where it has none. */
  public List<String> inputNames() {
    return model.inputNames();
  }

  /** Why the inside of the model is not explained although it was to be; null where it is. */
  public @Nullable String flaw() {
    return found.flaw();
  }

  /** The score of a row, with the bits that the stream gives. */
  public double score(double[] row) {
    return score(new double[][] {row})[0];
  }

  /**
   * What each input adds to the score of a row.
   *
   * @param background rows to compare with, at least one
   * @param seed of what is drawn where contributions cannot be computed
   */
  public Contributions contributions(double[] row, double[][] background, long seed) {
    ModelForm known = found.form();
    if (known != null) {
      Contributions exact = known.contributions(row, background);
      double score = score(row);
      if (Math.abs(exact.score() - score) <= FLOATS * Math.max(1, Math.abs(score))) {
        return exact;
      }
    }
    return SampledOrders.of(this::score, row, background, seed);
  }

  private double[] score(double[][] rows) {
    double[] scores = new double[rows.length];
    for (int from = 0; from < rows.length; from += BATCH_ROWS) {
      int count = Math.min(BATCH_ROWS, rows.length - from);
      for (int row = 0; row < count; row++) {
        for (int column = 0; column < rows[from + row].length; column++) {
          put(row, column, rows[from + row][column]);
        }
      }
      scorer.score(count);
      for (int row = 0; row < count; row++) {
        scores[from + row] = scorer.probability(row);
      }
    }
    return scores;
  }

  private void put(int row, int column, double value) {
    if (texts.get(column).isEmpty()) {
      scorer.put(row, column, value);
    } else {
      scorer.put(row, column, texts.get(column).get((int) value));
    }
  }

  @Override
  public void close() {
    scorer.close();
    model.close();
  }
}
