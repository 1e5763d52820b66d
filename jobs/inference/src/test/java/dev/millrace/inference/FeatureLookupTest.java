package dev.millrace.inference;

import static dev.millrace.inference.Flights.ARRIVALS_VERSION;
import static dev.millrace.inference.Flights.DELAY;
import static dev.millrace.inference.Flights.DEPARTURES;
import static dev.millrace.inference.Flights.DEPARTURES_VERSION;
import static dev.millrace.inference.Flights.DISTANCE;
import static dev.millrace.inference.Flights.departure;
import static dev.millrace.inference.Flights.deployed;
import static dev.millrace.inference.Flights.plan;
import static dev.millrace.inference.Flights.timeMillis;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FeatureLookupTest {

  private static final long MILLI = 1_000_000;
  private static final String OF_ARRIVALS = "features:{origin:JFK}:origin_delays";
  private static final String OF_DEPARTURES = "features:{origin:JFK}:origin_departures";

  @Test
  void waitsForARowOfTheModelsOwnSource() throws Exception {
    try (Scoring scoring = new Scoring(plan(null, DEPARTURES), deployed(0, 1))) {
      ownRow(scoring, 0);
      scoring.store.beforeRound.put(3, () -> ownRow(scoring, 1));
      scoring.event(departure(1, "JFK", 100.0));
      scoring.idle();
      // Asked for again after 1, 2 and 3 ms.
      scoring.pass(5);
      assertThat(scoring.predictions()).isEmpty();
      scoring.pass(1);
      assertThat(freshness(scoring)).isEqualTo("INCLUDED");
      assertThat(scoring.last().inputs()).isEqualTo(Map.of("count_1h", 2.0));
      assertThat(scoring.store.rounds).hasSize(4);
      scoring.pass(100);
      assertThat(scoring.store.rounds).hasSize(4);
      assertThat(scoring.harness.getProcessingTimeService().getNumActiveTimers()).isZero();
    }
  }

  @Test
  void waitsForAFirstRowToo() throws Exception {
    try (Scoring scoring = new Scoring(plan(null, DEPARTURES), deployed(0, 1))) {
      scoring.store.beforeRound.put(2, () -> ownRow(scoring, 1));
      scoring.event(departure(1, "JFK", 100.0));
      scoring.idle();
      scoring.pass(3);
      assertThat(freshness(scoring)).isEqualTo("INCLUDED");
    }
  }

  @Test
  void theWaitOfAnEventIsBounded() throws Exception {
    try (Scoring scoring = new Scoring(plan(null, DEPARTURES), deployed(0, 1))) {
      ownRow(scoring, 0);
      scoring.event(departure(1, "JFK", 100.0));
      scoring.event(departure(2, "JFK", 100.0));
      scoring.event(departure(3, "LAX", 100.0));
      scoring.pass(49);
      assertThat(scoring.predictions()).isEmpty();
      scoring.pass(1);
      assertThat(scoring.predictions())
          .extracting(p -> p.freshness().get("origin_departures"))
          .containsExactly("STALE", "STALE", "MISSING");
      // Only what is waited for is read again.
      assertThat(scoring.store.rounds).allMatch(r -> r.size() == 2);
    }
  }

  @Test
  void anEventIsServedWithTheRowThatFirstIncludedIt() throws Exception {
    try (Scoring scoring = new Scoring(plan(null, DEPARTURES), deployed(0, 1))) {
      ownRow(scoring, 1);
      scoring.store.beforeRound.put(1, () -> ownRow(scoring, 2));
      scoring.event(departure(1, "JFK", 100.0));
      scoring.event(departure(2, "JFK", 100.0));
      scoring.idle();
      scoring.pass(1);
      assertThat(scoring.predictions())
          .extracting(p -> p.inputs().get("count_1h"))
          .containsExactly(2.0, 3.0);
    }
  }

  @Test
  void doesNotWaitForAnEventThatTheFilterRefuses() throws Exception {
    try (Scoring scoring = new Scoring(plan(null, DEPARTURES), deployed(0, 1))) {
      ownRow(scoring, 0);
      scoring.event(departure(1, "JFK", 0.0));
      scoring.event(departure(2, "JFK", null));
      scoring.barrier(1);
      assertThat(scoring.predictions())
          .extracting(p -> p.freshness().get("origin_departures"))
          .containsExactly("STALE", "STALE");
    }
  }

  @Test
  void doesNotWaitForAnotherSource() throws Exception {
    try (Scoring scoring = new Scoring(plan(null, DELAY), deployed(0, 1))) {
      arrivalsRow(scoring, timeMillis(1) - 3_600_000, "3");
      scoring.event(departure(1, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.last().freshness()).isEqualTo(Map.of("origin_delays", "STALE"));
      // The count, which no input of the model is, says that the windows are empty.
      arrivalsRow(scoring, timeMillis(2) - 3_600_000, "0");
      scoring.event(departure(2, "JFK", 100.0));
      scoring.barrier(2);
      assertThat(scoring.last().freshness()).isEqualTo(Map.of("origin_delays", "INCLUDED"));
      arrivalsRow(scoring, timeMillis(3) + 61_000, "3");
      scoring.event(departure(3, "JFK", 100.0));
      scoring.barrier(3);
      assertThat(scoring.last().freshness()).isEqualTo(Map.of("origin_delays", "AHEAD"));
    }
  }

  @Test
  void aRowOfAnotherDefinitionIsNoRow() throws Exception {
    try (Scoring scoring = new Scoring(plan(null, DELAY), deployed(0, 1))) {
      scoring.store.row(OF_ARRIVALS, timeMillis(1), "0:1", "2-aaaaaaaaaaaa", "delay_mean_1h", "5");
      scoring.event(departure(1, "JFK", 100.0));
      scoring.barrier(1);
      scoring.store.row(OF_ARRIVALS, timeMillis(2), "nonsense", ARRIVALS_VERSION);
      scoring.event(departure(2, "JFK", 100.0));
      scoring.barrier(2);
      assertThat(scoring.predictions())
          .extracting(p -> p.freshness().get("origin_delays"))
          .containsExactly("MISSING", "MISSING");
    }
  }

  @Test
  void scoringGoesOnWithoutTheStore() throws Exception {
    try (Scoring scoring = new Scoring(plan(null, DELAY, DEPARTURES, DISTANCE), deployed(0, 1))) {
      arrivalsRow(scoring, timeMillis(1), "3");
      ownRow(scoring, 9);
      scoring.store.down = true;
      scoring.event(departure(1, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.last().role()).isEqualTo(Role.CHAMPION);
      assertThat(scoring.last().freshness())
          .isEqualTo(Map.of("origin_delays", "MISSING", "origin_departures", "MISSING"));
      assertThat(scoring.last().inputs().get("distance")).isEqualTo(100.0);
      assertThat(scoring.time.nanos).isZero();
      // It just failed: it is not asked, even where it is back.
      scoring.store.down = false;
      scoring.event(departure(2, "JFK", 100.0));
      scoring.barrier(2);
      assertThat(scoring.store.rounds).hasSize(1);
      scoring.time.nanos += 100 * MILLI;
      scoring.event(departure(3, "JFK", 100.0));
      scoring.barrier(3);
      assertThat(scoring.store.rounds).hasSize(2);
      assertThat(scoring.last().freshness())
          .isEqualTo(Map.of("origin_delays", "INCLUDED", "origin_departures", "INCLUDED"));
    }
  }

  @Test
  void whatWasReadBeforeTheStoreFailedStands() throws Exception {
    try (Scoring scoring = new Scoring(plan(null, DEPARTURES), deployed(0, 1))) {
      ownRow(scoring, 0);
      scoring.store.beforeRound.put(1, () -> scoring.store.down = true);
      scoring.event(departure(2, "LAX", 100.0));
      scoring.event(departure(1, "JFK", 100.0));
      scoring.idle();
      // Nobody waits for a store that is down, and those that were parked do not either.
      scoring.pass(1);
      assertThat(scoring.predictions()).hasSize(2);
      assertThat(freshness(scoring)).isEqualTo("STALE");
      assertThat(scoring.last().inputs()).isEqualTo(Map.of("count_1h", 1.0));
    }
  }

  @Test
  void asksForExactlyTheFieldsThatAreNeeded() throws Exception {
    try (Scoring scoring = new Scoring(plan(null, DELAY), deployed(0, 1))) {
      scoring.event(departure(1, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.store.rounds.get(0))
          .containsExactly(
              new FeatureReads.Query(
                  OF_ARRIVALS,
                  List.of("_time", "_source", "_version", "delay_mean_1h", "count_1h")));
    }
  }

  private static String freshness(Scoring scoring) {
    return String.valueOf(scoring.last().freshness().get("origin_departures"));
  }

  private static void arrivalsRow(Scoring scoring, long timeMillis, String count) {
    scoring.store.row(
        OF_ARRIVALS,
        timeMillis,
        "0:4",
        ARRIVALS_VERSION,
        "count_1h",
        count,
        "delay_mean_1h",
        "5.5");
  }

  /** A row that includes the departures up to this offset. */
  private static void ownRow(Scoring scoring, long offset) {
    scoring.store.row(
        OF_DEPARTURES,
        timeMillis(offset),
        "0:" + offset,
        DEPARTURES_VERSION,
        "count_1h",
        String.valueOf(offset + 1));
  }
}
