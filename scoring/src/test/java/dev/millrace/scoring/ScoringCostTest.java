package dev.millrace.scoring;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.ModelProto;
import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a batch takes of the heap. */
class ScoringCostTest {

  private static final int WARM_UP = 3_000;
  private static final int BATCHES = 2_000;
  private static final int ROWS = 256;
  private static final int LEAST_OBJECT_BYTES = 16;

  private final Path dir;

  ScoringCostTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @Test
  void aRowTakesNothing() throws IOException {
    for (ModelProto form :
        List.of(
            TinyModels.column(1, 2, 3),
            TinyModels.vector(1, 2, 3),
            TinyModels.pair(1, 2, 3),
            TypedModels.doubles(1, 2, 3),
            TypedModels.wholes(TypedModels.INT64, 1, 2, 3))) {
      try (OnnxModel model =
              OnnxModel.load(
                  TinyModels.write(dir, form),
                  null,
                  InputColumn.unnamed(3),
                  ComputeDevice.CPU,
                  RunLimits.SERVING);
          BatchScorer scorer = model.scorer(ROWS)) {
        // What ONNX Runtime's binding makes for each call, and no object a row, however small.
        assertThat(bytesPerBatch(scorer, ROWS)).isLessThan(ROWS * LEAST_OBJECT_BYTES);
      }
    }
  }

  private static double bytesPerBatch(BatchScorer scorer, int rows) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    double sum = 0;
    for (int batch = 0; batch < WARM_UP; batch++) {
      sum += score(scorer, rows, batch);
    }
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int batch = 0; batch < BATCHES; batch++) {
      sum += score(scorer, rows, batch);
    }
    long after = threads.getCurrentThreadAllocatedBytes();
    assertThat(sum).isPositive();
    return (double) (after - before) / BATCHES;
  }

  private static double score(BatchScorer scorer, int rows, int batch) {
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < 3; column++) {
        scorer.put(row, column, (double) ((batch + row + column) % 7));
      }
    }
    scorer.score(rows);
    double sum = 0;
    for (int row = 0; row < rows; row++) {
      sum += scorer.probability(row);
    }
    return sum;
  }
}
