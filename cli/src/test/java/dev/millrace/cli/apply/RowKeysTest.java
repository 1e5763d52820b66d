package dev.millrace.cli.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cli.apply.RowKeys.Move;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Which rows get other keys when definitions of views come and go. */
class RowKeysTest {

  private static final Map<String, Map<String, String>> BOTH =
      Map.of("load", Map.of("a", "load", "b", "load@b"), "pressure", Map.of("p", "pressure"));

  @Test
  void theNextTakesTheViewsKeysBeforeTheOldOnesAreCleared() {
    Map<String, Map<String, String>> after =
        Map.of("load", Map.of("b", "load"), "pressure", Map.of("p", "pressure"));
    assertThat(RowKeys.moves(BOTH, after))
        .containsExactly(
            new Move("load", "b", "load@b", "load"), new Move("load", "a", "load", null));
    assertThat(RowKeys.moves(after, after)).isEmpty();
  }

  @Test
  void oneThatNobodyHasTakenUpEndsWhereItStands() {
    Map<String, Map<String, String>> after = Map.of("load", Map.of("a", "load"));
    assertThat(RowKeys.moves(BOTH, after))
        .containsExactlyInAnyOrder(
            new Move("load", "b", "load@b", null), new Move("pressure", "p", "pressure", null));
  }

  @Test
  void afterAnInterruptionEveryViewsOwnRowsAreLookedFor() {
    assertThat(RowKeys.left(BOTH))
        .containsExactlyInAnyOrder(
            new Move("load", "a", "load@a", "load"),
            new Move("pressure", "p", "pressure@p", "pressure"));
  }
}
