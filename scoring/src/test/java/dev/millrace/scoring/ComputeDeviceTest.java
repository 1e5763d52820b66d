package dev.millrace.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtProvider;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ComputeDeviceTest {

  private final Path dir;

  ComputeDeviceTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @ParameterizedTest
  @EnumSource(
      value = ExecutionProvider.class,
      names = {"CUDA", "TENSORRT"})
  void aDeviceThatIsNotToBeHadIsSaidSo(ExecutionProvider provider) throws IOException {
    Assumptions.assumeFalse(OrtEnvironment.getAvailableProviders().contains(OrtProvider.CUDA));
    Path file = TinyModels.write(dir, TinyModels.column(1, 2));
    ComputeDevice device = new ComputeDevice(provider, 3);
    for (int attempt = 0; attempt < 2; attempt++) {
      assertThatThrownBy(() -> load(file, device).close())
          .isInstanceOf(ProviderUnavailableException.class)
          .hasMessageContaining("on " + device)
          .hasMessageContaining("build it with ./mvnw -Pgpu");
    }
    try (OnnxModel model = load(file, ComputeDevice.CPU)) {
      assertThat(model.device()).hasToString("cpu");
    }
  }

  @Test
  void cudaScoresAsTheCpuDoes() throws IOException {
    Path file = TinyModels.write(dir, TinyModels.column(1, 2));
    OnnxModel gpu;
    try {
      gpu = load(file, new ComputeDevice(ExecutionProvider.CUDA, 0));
    } catch (ProviderUnavailableException e) {
      Assumptions.abort(e.getMessage());
      throw new AssertionError(e);
    }
    try (gpu;
        OnnxModel cpu = load(file, ComputeDevice.CPU);
        BatchScorer there = gpu.scorer(64);
        BatchScorer here = cpu.scorer(64)) {
      for (int row = 0; row < 64; row++) {
        for (int column = 0; column < 2; column++) {
          there.put(row, column, row / 10.0 - column);
          here.put(row, column, row / 10.0 - column);
        }
      }
      there.score(64);
      here.score(64);
      for (int row = 0; row < 64; row++) {
        assertThat(there.probability(row)).isCloseTo(here.probability(row), within(1e-6));
      }
    }
  }

  private static OnnxModel load(Path file, ComputeDevice device) throws IOException {
    return OnnxModel.load(file, null, InputColumn.single(List.of("a", "b")), device);
  }
}
