package dev.millrace.inference;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.scoring.BatchScorer;
import dev.millrace.scoring.OnnxModel;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * ONNX models from their artifacts. The tasks of a process share one session for the same bytes:
 * weights are in memory once, each task has only its own buffers.
 */
final class OnnxModels implements ModelLoader {

  private static final long serialVersionUID = 1L;

  /** What the tasks of this process hold; guarded by itself. */
  private static final Map<String, Shared> LOADED = new HashMap<>();

  private static final class Shared {
    final OnnxModel model;
    int holders;

    Shared(OnnxModel model) {
      this.model = model;
    }
  }

  @Override
  public Scorer load(String model, DeployedVersion version, List<String> inputs, int maxRows)
      throws IOException {
    String key = version.sha256().toLowerCase(Locale.ROOT) + "/" + inputs.size();
    OnnxModel onnx = acquire(key, version, inputs.size());
    boolean made = false;
    try {
      if (!onnx.inputNames().isEmpty() && !onnx.inputNames().equals(inputs)) {
        throw new IOException(
            "Cannot score with model "
                + model
                + " version "
                + version.version()
                + ": it was trained on inputs "
                + onnx.inputNames()
                + ", the signature is "
                + inputs
                + "; train it again");
      }
      Scorer scorer = new Held(key, onnx.scorer(maxRows));
      made = true;
      probe(model, version, scorer, inputs.size());
      return scorer;
    } finally {
      if (!made) {
        release(key);
      }
    }
  }

  /** A version whose scores are no numbers is found before it serves. */
  private static void probe(String model, DeployedVersion version, Scorer scorer, int inputs)
      throws IOException {
    double score;
    try {
      for (int column = 0; column < inputs; column++) {
        scorer.put(0, column, 0);
      }
      scorer.score(1);
      score = scorer.scored(0);
    } catch (IllegalStateException e) {
      scorer.close();
      throw new IOException(
          "Cannot score with model "
              + model
              + " version "
              + version.version()
              + ": it does not run",
          e);
    }
    if (!Double.isFinite(score)) {
      scorer.close();
      throw new IOException(
          "Cannot score with model "
              + model
              + " version "
              + version.version()
              + ": where every input is 0 its score is "
              + score
              + "; export it again");
    }
  }

  private static OnnxModel acquire(String key, DeployedVersion version, int inputs)
      throws IOException {
    synchronized (LOADED) {
      Shared shared = LOADED.get(key);
      if (shared == null) {
        shared = new Shared(OnnxModel.load(file(version.uri()), version.sha256(), inputs));
        LOADED.put(key, shared);
      }
      shared.holders++;
      return shared.model;
    }
  }

  private static void release(String key) {
    synchronized (LOADED) {
      Shared shared = LOADED.get(key);
      if (shared != null && --shared.holders == 0) {
        LOADED.remove(key);
        shared.model.close();
      }
    }
  }

  private static Path file(String uri) throws IOException {
    try {
      return Path.of(URI.create(uri));
    } catch (IllegalArgumentException | FileSystemNotFoundException e) {
      throw new IOException(
          "Cannot load artifact "
              + uri
              + ": it is no file: URI; deploy a version whose artifact"
              + " is a file",
          e);
    }
  }

  /** One task's buffers, and its hold on the session. */
  private static final class Held implements Scorer {
    private final String key;
    private final BatchScorer scorer;
    private boolean closed;

    Held(String key, BatchScorer scorer) {
      this.key = key;
      this.scorer = scorer;
    }

    @Override
    public void put(int row, int column, double value) {
      scorer.put(row, column, value);
    }

    @Override
    public void score(int rows) {
      scorer.score(rows);
    }

    @Override
    public double scored(int row) {
      return scorer.probability(row);
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        scorer.close();
        release(key);
      }
    }
  }
}
