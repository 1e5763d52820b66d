package dev.millrace.core.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.row.Positions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FreshnessRuleTest {

  private static final long MINUTE = 60_000;
  private static final long EVENT = 1_000 * MINUTE;

  /** The event is at partition 2, offset 50. */
  @ParameterizedTest
  @CsvSource({
    // the row's positions, minutes of T before the event, freshness
    "2:50,        0, INCLUDED",
    "2:51,        0, INCLUDED",
    "2:49,        0, STALE",
    "0:99,        0, STALE",
    "'0:3,2:50', 90, INCLUDED",
    "2:50,       -1, INCLUDED",
    "2:50,       -2, AHEAD",
    "2:49,       -2, AHEAD"
  })
  void aViewOnTheModelsOwnSourceGoesByPositions(
      String positions, long minutesBefore, Freshness expected) {
    // Nothing but positions counts: neither the source's disorder nor empty windows.
    FreshnessRule rule = new FreshnessRule(true, 10 * MINUTE, MINUTE);
    for (boolean empty : new boolean[] {true, false}) {
      assertThat(
              rule.judge(
                  EVENT - minutesBefore * MINUTE, Positions.parse(positions), empty, EVENT, 2, 50))
          .isEqualTo(expected);
    }
  }

  /** max-out-of-orderness 10 m, refresh 2 m: the edge is 10 + 2·2 + 1 minutes before the event. */
  @ParameterizedTest
  @CsvSource({
    // milliseconds of T before the event, all windows empty, freshness
    "0,      false, INCLUDED",
    "900000, false, INCLUDED",
    "900001, false, STALE",
    "900001, true,  INCLUDED",
    "-60000, false, INCLUDED",
    "-60001, false, AHEAD",
    "-60001, true,  AHEAD"
  })
  void aViewOnAnotherSourceGoesByTime(long millisBefore, boolean empty, Freshness expected) {
    FreshnessRule rule = new FreshnessRule(false, 10 * MINUTE, 2 * MINUTE);
    assertThat(rule.judge(EVENT - millisBefore, Positions.parse("2:99"), empty, EVENT, 2, 50))
        .isEqualTo(expected);
  }

  @Test
  void positionsOfAnotherSourceSayNothing() {
    FreshnessRule rule = new FreshnessRule(false, 0, 0);
    assertThat(rule.judge(0, Positions.parse("2:50"), false, EVENT, 2, 50))
        .isEqualTo(Freshness.STALE);
  }
}
