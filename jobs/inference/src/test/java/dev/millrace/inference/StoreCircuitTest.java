package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StoreCircuitTest {

  private static final long MILLI = 1_000_000;

  @Test
  void pausesGrowUntilTheyAreAtTheirMost() {
    StoreCircuit circuit = new StoreCircuit();
    long nowNanos = Long.MAX_VALUE - 10;
    for (long pauseMillis : new long[] {100, 200, 400, 800, 1600, 3200, 5000, 5000}) {
      assertThat(circuit.mayTry(nowNanos)).isTrue();
      circuit.failed(nowNanos);
      nowNanos += pauseMillis * MILLI - 1;
      assertThat(circuit.mayTry(nowNanos)).isFalse();
      nowNanos += 1;
    }
    circuit.succeeded();
    assertThat(circuit.mayTry(nowNanos)).isTrue();
    circuit.failed(nowNanos);
    assertThat(circuit.mayTry(nowNanos + 100 * MILLI)).isTrue();
  }
}
