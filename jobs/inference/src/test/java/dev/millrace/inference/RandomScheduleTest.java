package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Events out of order, rows that appear late or never, watermarks, idleness, timers, checkpoints,
 * crashes, deployments and a store that comes and goes, in any order. {@code
 * -Dmillrace.schedules=N} runs N schedules instead of 300.
 */
class RandomScheduleTest {

  private static final int SCHEDULES = Integer.getInteger("millrace.schedules", 300);

  @Test
  void everyEventGoesOutOnceInItsPlace() {
    Map<RandomSchedule.Seen, Integer> seen = new EnumMap<>(RandomSchedule.Seen.class);
    for (long seed = 1; seed <= SCHEDULES; seed++) {
      try {
        new RandomSchedule(seed, seen).run();
      } catch (Exception | AssertionError e) {
        throw new AssertionError("Schedule " + seed + " went wrong: " + e.getMessage(), e);
      }
    }
    // What the schedules came to.
    assertThat(seen).containsOnlyKeys(RandomSchedule.Seen.values());
  }
}
