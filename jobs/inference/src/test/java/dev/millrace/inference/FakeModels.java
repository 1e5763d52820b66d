package dev.millrace.inference;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.scoring.InputColumn;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.function.ToDoubleFunction;

/** Models that are functions; version 1 scores version/10 unless told otherwise. */
final class FakeModels implements ModelLoader {

  private static final long serialVersionUID = 1L;

  final transient List<Integer> loaded = new ArrayList<>();
  final transient List<Integer> closed = new ArrayList<>();
  final transient Set<Integer> broken = new HashSet<>();
  transient ToDoubleFunction<double[]> first = row -> Double.NaN;
  transient boolean firstIsSet;
  transient boolean cannotRun;

  /** What single versions score, before all else. */
  final transient Map<Integer, ToDoubleFunction<double[]>> byVersion = new HashMap<>();

  /** Told of each run, with the version. */
  transient IntConsumer running = version -> {};

  void score(ToDoubleFunction<double[]> function) {
    first = function;
    firstIsSet = true;
  }

  @Override
  public Scorer load(
      String model, DeployedVersion version, List<InputColumn> inputs, Execution execution)
      throws IOException {
    if (broken.contains(version.version())) {
      throw new IOException("Cannot load version " + version.version() + ": it is broken");
    }
    loaded.add(version.version());
    return new FakeScorer(version.version(), inputs.size(), execution.maxRows());
  }

  private final class FakeScorer implements Scorer {
    private final int version;
    private final double[][] rows;
    private final double[] scores;
    private boolean open = true;

    FakeScorer(int version, int inputs, int maxRows) {
      this.version = version;
      this.rows = new double[maxRows][inputs];
      this.scores = new double[maxRows];
    }

    @Override
    public void put(int row, int column, double value) {
      rows[row][column] = value;
    }

    @Override
    public void score(int count) {
      running.accept(version);
      if (!open || cannotRun) {
        throw new IllegalStateException("Cannot score with version " + version);
      }
      for (int row = 0; row < count; row++) {
        scores[row] =
            byVersion.containsKey(version)
                ? byVersion.get(version).applyAsDouble(rows[row])
                : firstIsSet ? first.applyAsDouble(rows[row]) : version / 10.0;
      }
    }

    @Override
    public double scored(int row) {
      return scores[row];
    }

    @Override
    public void close() {
      open = false;
      closed.add(version);
    }
  }
}
