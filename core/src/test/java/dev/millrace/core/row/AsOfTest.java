package dev.millrace.core.row;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AsOfTest {

  private static final long FOR_EVER = Long.MAX_VALUE;

  private record Row(long timeMillis, Positions positions) {}

  private record Event(int partition, long offset, long timeMillis) {}

  private static final class Log implements AsOf.Rows {
    final List<Row> rows = new ArrayList<>();

    Log row(long timeMillis, String positions) {
      rows.add(new Row(timeMillis, Positions.parse(positions)));
      return this;
    }

    @Override
    public int size() {
      return rows.size();
    }

    @Override
    public long timeMillis(int row) {
      return rows.get(row).timeMillis();
    }

    @Override
    public boolean covers(int row, int partition, long offset) {
      return rows.get(row).positions().covers(partition, offset);
    }
  }

  @Test
  void anEventSeesItself() {
    Log log = new Log().row(10, "0:0").row(20, "0:1").row(30, "0:2");

    assertThat(AsOf.own(log, 0, 1, 20, FOR_EVER)).isEqualTo(1);
  }

  @Test
  void ofEventsWithItsTimeItSeesThoseThatWereReadBeforeIt() {
    Log log = new Log().row(10, "0:0").row(20, "0:1").row(20, "0:2").row(20, "0:3");

    assertThat(AsOf.own(log, 0, 1, 20, FOR_EVER)).isEqualTo(1);
    assertThat(AsOf.own(log, 0, 2, 20, FOR_EVER)).isEqualTo(2);
    assertThat(AsOf.own(log, 0, 3, 20, FOR_EVER)).isEqualTo(3);
    assertThat(AsOf.other(log, 20, FOR_EVER)).isEqualTo(3);
  }

  @Test
  void anEventOutOfOrderSeesTheRowOfItsTime() {
    // The event at 15 came after the one at 20: its own row has T = 20.
    Log log = new Log().row(10, "0:0").row(20, "0:1").row(20, "0:2");

    assertThat(AsOf.own(log, 0, 2, 15, FOR_EVER)).isZero();
  }

  @Test
  void aRefreshAfterTheEventIsNotSeen() {
    Log log = new Log().row(10, "0:0").row(60, "0:0").row(70, "0:1").row(120, "0:1");

    assertThat(AsOf.own(log, 0, 1, 70, FOR_EVER)).isEqualTo(2);
    assertThat(AsOf.other(log, 65, FOR_EVER)).isEqualTo(1);
  }

  @Test
  void anEventThatNoRowCoversSeesTheNewestOfItsTime() {
    Log log = new Log().row(10, "0:0").row(60, "0:0").row(60, "0:0");

    assertThat(AsOf.own(log, 1, 7, 65, FOR_EVER)).isEqualTo(2);
    assertThat(AsOf.isDecided(log, 1, 7, 65)).isFalse();
    assertThat(AsOf.isDecided(log, 1, 7, 59)).isTrue();
    assertThat(AsOf.isDecided(log, 0, 0, 65)).isTrue();
  }

  @Test
  void aRowDiesAfterItsLife() {
    Log log = new Log().row(10, "0:0");

    assertThat(AsOf.own(log, 1, 7, 110, 100)).isZero();
    assertThat(AsOf.own(log, 1, 7, 111, 100)).isEqualTo(AsOf.NONE);
    assertThat(AsOf.other(log, 111, 100)).isEqualTo(AsOf.NONE);
    assertThat(AsOf.other(new Log(), 111, 100)).isEqualTo(AsOf.NONE);
  }

  /** The rule word for word, over the log that a stream of random events and refreshes leaves. */
  @Test
  void agreesWithTheRuleReadWordForWord() {
    Random random = new Random(11);
    for (int round = 0; round < 400; round++) {
      Log log = new Log();
      List<Event> events = new ArrayList<>();
      Positions positions = Positions.NONE;
      long[] offsets = new long[3];
      long largest = 0;
      int steps = 1 + random.nextInt(25);
      List<Event> decided = new ArrayList<>();
      List<Integer> answers = new ArrayList<>();
      for (int step = 0; step < steps; step++) {
        if (!log.rows.isEmpty() && random.nextInt(4) == 0) {
          largest += random.nextInt(3);
          log.rows.add(new Row(largest, positions));
        } else {
          int partition = random.nextInt(3);
          long offset = offsets[partition]++;
          long time = Math.max(0, largest + random.nextInt(7) - 3);
          events.add(new Event(partition, offset, time));
          // Some are refused by the view's filter: a later row covers them all the same.
          if (random.nextInt(5) > 0) {
            largest = Math.max(largest, time);
            positions = positions.advance(partition, offset);
            log.rows.add(new Row(largest, positions));
          }
        }
        for (Event event : events) {
          if (AsOf.isDecided(log, event.partition(), event.offset(), event.timeMillis())
              && !decided.contains(event)) {
            decided.add(event);
            answers.add(own(log, event));
          }
        }
      }

      for (Event event : events) {
        assertThat(own(log, event)).isEqualTo(naive(log, event));
        assertThat(AsOf.other(log, event.timeMillis(), FOR_EVER))
            .isEqualTo(naiveOther(log, event.timeMillis()));
      }
      for (int i = 0; i < answers.size(); i++) {
        assertThat(own(log, decided.get(i))).as("decided early").isEqualTo(answers.get(i));
      }
    }
  }

  private static int own(Log log, Event event) {
    return AsOf.own(log, event.partition(), event.offset(), event.timeMillis(), FOR_EVER);
  }

  private static int naive(Log log, Event event) {
    int found = AsOf.NONE;
    for (int row = 0; row < log.size(); row++) {
      if (log.timeMillis(row) <= event.timeMillis()) {
        found = row;
      }
      if (log.covers(row, event.partition(), event.offset())) {
        return found;
      }
    }
    return naiveOther(log, event.timeMillis());
  }

  private static int naiveOther(Log log, long timeMillis) {
    int found = AsOf.NONE;
    for (int row = 0; row < log.size(); row++) {
      if (log.timeMillis(row) <= timeMillis
          && (found == AsOf.NONE || log.timeMillis(row) >= log.timeMillis(found))) {
        found = row;
      }
    }
    return found;
  }
}
