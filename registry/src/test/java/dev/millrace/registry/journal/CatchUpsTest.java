package dev.millrace.registry.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class CatchUpsTest {

  private final CatchUps<String> catchUps = new CatchUps<>();
  private final Map<String, Long> ends = new HashMap<>(Map.of("a", 3L, "b", 0L));
  private final Map<String, Long> positions = new HashMap<>(Map.of("a", 0L, "b", 0L));

  private void look() {
    catchUps.look(() -> Map.copyOf(ends), p -> positions.getOrDefault(p, 0L));
  }

  @Test
  void isDoneWhenAllWasReadThatWasThere() {
    CompletableFuture<Void> first = catchUps.ask();
    look();
    assertThat(catchUps.isAsked()).isFalse();
    positions.put("a", 2L);
    look();
    assertThat(first).isNotDone();
    // What comes later is nothing that was asked for.
    ends.put("b", 7L);
    positions.put("a", 3L);
    look();
    assertThat(first).isCompleted();
    CompletableFuture<Void> second = catchUps.ask();
    look();
    assertThat(second).isNotDone();
    positions.put("b", 7L);
    look();
    assertThat(second).isCompleted();
  }

  @Test
  void aLookThatFailsIsMadeAgain() {
    CompletableFuture<Void> asked = catchUps.ask();
    assertThatThrownBy(
            () ->
                catchUps.look(
                    () -> {
                      throw new IllegalStateException("no broker");
                    },
                    p -> 9L))
        .isInstanceOf(IllegalStateException.class);
    assertThat(catchUps.isAsked()).isTrue();
    assertThat(asked).isNotDone();
    positions.put("a", 3L);
    look();
    assertThat(asked).isCompleted();
  }

  @Test
  void whoeverWaitsIsToldThatNothingIsReadAnyMore() {
    CompletableFuture<Void> looked = catchUps.ask();
    look();
    CompletableFuture<Void> asked = catchUps.ask();
    catchUps.fail(new IllegalStateException("ended"));
    assertThat(looked).isCompletedExceptionally();
    assertThat(asked).isCompletedExceptionally();
  }
}
