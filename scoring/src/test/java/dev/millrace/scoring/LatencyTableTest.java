package dev.millrace.scoring;

import static dev.millrace.scoring.ExecutionProvider.CPU;
import static dev.millrace.scoring.ExecutionProvider.CUDA;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.scoring.LatencyTable.Choice;
import dev.millrace.scoring.LatencyTable.Measured;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LatencyTableTest {

  private static final LatencyTable TREES = table(CPU, 5, 8, 15, 30, 60, 120);

  /** Three times as slow for one row, and hardly slower for 32. */
  private static final LatencyTable ON_GPU = table(CUDA, 15, 15, 16, 17, 18, 20);

  private final Path dir;

  LatencyTableTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @Test
  void theLargestBatchThatIsFastEnough() {
    assertThat(TREES.choose(millis(60), 32)).isEqualTo(new Choice(CPU, 16));
    assertThat(TREES.choose(millis(59), 32)).isEqualTo(new Choice(CPU, 8));
    assertThat(TREES.choose(millis(5), 32)).isEqualTo(new Choice(CPU, 1));
    assertThat(TREES.choose(millis(4), 32)).isNull();
    assertThat(TREES.choose(Long.MAX_VALUE, 1_000)).isEqualTo(new Choice(CPU, 1_000));
  }

  @Test
  void theProviderThatScoresARowInTheLeastTime() {
    LatencyTable both = TREES.with(ON_GPU);
    assertThat(both.choose(millis(60), 32)).isEqualTo(new Choice(CUDA, 32));
    assertThat(both.choose(millis(16), 32)).isEqualTo(new Choice(CPU, 4));
    assertThat(both.choose(millis(12), 32)).isEqualTo(new Choice(CPU, 2));
    assertThat(ON_GPU.with(TREES).choose(millis(60), 32)).isEqualTo(new Choice(CUDA, 32));
    // Hardly faster is not worth the other bits.
    assertThat(table(CPU, 100).with(table(CUDA, 91)).choose(millis(200), 1))
        .isEqualTo(new Choice(CPU, 1));
    assertThat(both.fastestRow()).isEqualTo(new Choice(CPU, 1));
  }

  @Test
  void saysWhatWasMeasured() {
    assertThat(table(CPU, 5, 8).with(table(CUDA, 15)))
        .hasToString("cpu: 1 row 5.000 ms, 2 rows 8.000 ms; cuda: 1 row 15.000 ms");
  }

  @Test
  void eachSizeIsMeasuredAndNoneForLong() throws IOException {
    try (OnnxModel model =
        OnnxModel.load(TinyModels.write(dir, TinyModels.column(1, 2, 3)), null, 3)) {
      LatencyTable table =
          LatencyTable.measure(model, 100, Duration.ofMinutes(5), System::nanoTime);
      assertThat(table.measured())
          .extracting(Measured::rows)
          .containsExactly(1, 2, 4, 8, 16, 32, 64, 100);
      assertThat(table.measured()).allSatisfy(m -> assertThat(m.nanos()).isPositive());
      // Each look at this clock is 1 ms later, so that a batch takes 1 ms.
      AtomicLong nanos = new AtomicLong();
      LatencyTable hasty =
          LatencyTable.measure(
              model, 100, Duration.ofMillis(100), () -> nanos.addAndGet(1_000_000));
      assertThat(hasty.measured()).extracting(Measured::nanos).containsOnly(1_000_000L);
      assertThat(nanos.get()).isLessThan(millis(130));
      AtomicLong slow = new AtomicLong();
      LatencyTable first =
          LatencyTable.measure(
              model, 100, Duration.ofMillis(100), () -> slow.addAndGet(90_000_000));
      assertThat(first.measured()).containsExactly(new Measured(CPU, 1, 90_000_000));
    }
  }

  private static LatencyTable table(ExecutionProvider provider, long... batchMillis) {
    List<Measured> measured = new ArrayList<>();
    for (int i = 0; i < batchMillis.length; i++) {
      measured.add(new Measured(provider, 1 << i, millis(batchMillis[i])));
    }
    return new LatencyTable(measured);
  }

  private static long millis(long millis) {
    return millis * 1_000_000;
  }
}
