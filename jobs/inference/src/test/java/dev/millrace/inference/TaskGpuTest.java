package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.flink.api.common.externalresource.ExternalResourceInfo;
import org.junit.jupiter.api.Test;

class TaskGpuTest {

  @Test
  void tasksTakeTheGpusInTurn() {
    List<ExternalResourceInfo> gpus = List.of(new Gpu("5"), new Gpu("2"));
    assertThat(List.of(0, 1, 2, 3))
        .extracting(subtask -> TaskGpu.of(gpus, subtask))
        .containsExactly(2, 5, 2, 5);
  }

  @Test
  void withoutAnyItIsTheFirst() {
    assertThat(TaskGpu.of(Set.of(), 3)).isZero();
  }

  private record Gpu(String number) implements ExternalResourceInfo {
    @Override
    public Optional<String> getProperty(String key) {
      return key.equals("index") ? Optional.of(number) : Optional.empty();
    }

    @Override
    public Collection<String> getKeys() {
      return List.of("index");
    }
  }
}
