package dev.millrace.pipeline.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.row.Positions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Which row an event sees, against a reading of the rules word by word. */
class EntityLogTest {

  private static final long LIFE = 30;

  @Test
  void everyRuleGivesWhatANaiveReadingGives() {
    for (int seed = 0; seed < 400; seed++) {
      Random random = new Random(seed);
      List<LogRow> written = written(random);
      List<LogRow> shuffled = new ArrayList<>(written);
      Collections.shuffle(shuffled, random);
      for (boolean own : new boolean[] {true, false}) {
        EntityLog log = new EntityLog(shuffled, own);
        for (int i = 0; i < 40; i++) {
          SetRow event =
              new SetRow(
                  "e" + i,
                  random.nextInt(70),
                  random.nextInt(2),
                  random.nextInt(25),
                  random.nextInt(80),
                  new Object[] {"k"},
                  new Object[0]);
          for (Knowledge knowledge : Knowledge.values()) {
            assertThat(log.find(event, knowledge, LIFE))
                .as("seed %d, %s, own %s, %s", seed, event, own, knowledge)
                .isSameAs(naive(written, event, own, knowledge));
          }
        }
      }
    }
  }

  @Test
  void aRowWithoutAPlaceInTheLogSeesTheLastOneOfItsTime() {
    List<LogRow> rows =
        List.of(
            row(10, 1, Positions.NONE.advance(0, 1), 10),
            row(20, 1, Positions.NONE.advance(0, 2), 20),
            row(20, 1, Positions.NONE.advance(0, 3), 21));
    EntityLog log = new EntityLog(rows, true);
    assertThat(log.find(spine(20), Knowledge.STREAM, LIFE)).isSameAs(rows.get(2));
    assertThat(log.find(spine(19), Knowledge.STREAM, LIFE)).isSameAs(rows.get(0));
    assertThat(log.find(spine(9), Knowledge.STREAM, LIFE)).isNull();
    assertThat(log.find(spine(51), Knowledge.STREAM, LIFE)).isNull();
  }

  @Test
  void aRowThatLiesAfterItsEventIsAnErrorThatNamesIt() throws Exception {
    ViewJoin.Plan plan =
        new ViewJoin.Plan(
            "cards", "0123456789ab", List.of("card"), false, LIFE, List.of("count_1h"), List.of(0));
    LogRow row = row(20, 1, Positions.NONE, 90);
    ViewJoin.refuseLeak(plan, spine(20), row);
    assertThatThrownBy(() -> ViewJoin.refuseLeak(plan, spine(19), row))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("cards:count_1h")
        .hasMessageContaining("entity k")
        .hasMessageContaining("1970-01-01T00:00:00.019Z")
        .hasMessageContaining("1970-01-01T00:00:00.020Z");
    assertThatThrownBy(() -> ViewJoin.refuseLeak(plan, spine(20).knownUntil(89), row))
        .hasMessageContaining("known at 1970-01-01T00:00:00.090Z");
  }

  private static SetRow spine(long time) {
    return new SetRow(
        "", time, SetRow.NO_PARTITION, 0, Long.MAX_VALUE, new Object[] {"k"}, new Object[0]);
  }

  /** In the order in which they are written: T, epoch and positions never fall; clocks may. */
  private static List<LogRow> written(Random random) {
    List<LogRow> rows = new ArrayList<>();
    long time = random.nextInt(5);
    long epoch = 9;
    long known = random.nextInt(10);
    Positions positions = Positions.NONE;
    int size = random.nextInt(25);
    for (int i = 0; i < size; i++) {
      if (random.nextInt(15) == 0) {
        epoch++;
        positions = Positions.NONE;
      }
      time += random.nextInt(3) == 0 ? random.nextInt(8) : 0;
      int partition = random.nextInt(2);
      positions =
          positions.advance(partition, offset(positions, partition) + 1 + random.nextInt(3));
      known += random.nextInt(4);
      rows.add(row(time, epoch, positions, known - random.nextInt(3)));
    }
    return rows;
  }

  private static long offset(Positions positions, int partition) {
    for (int i = 0; i < positions.size(); i++) {
      if (positions.partition(i) == partition) {
        return positions.offset(i);
      }
    }
    return -1;
  }

  private static LogRow row(long time, long epoch, Positions positions, long known) {
    return new LogRow("k", time, epoch, positions, known, new Object[0]);
  }

  private static @Nullable LogRow naive(
      List<LogRow> written, SetRow event, boolean own, Knowledge knowledge) {
    long newest = written.isEmpty() ? 0 : written.get(written.size() - 1).epoch();
    LogRow seen = null;
    for (LogRow row : written) {
      if (knowledge == Knowledge.SERVED && row.knownAtMillis() > event.knownUntilMillis()) {
        continue;
      }
      if (row.timeMillis() <= event.timeMillis()) {
        seen = row;
      }
      if (own
          && knowledge != Knowledge.CORRECTED
          && row.epoch() == newest
          && row.positions().covers(event.partition(), event.offset())) {
        break;
      }
    }
    return seen == null || event.timeMillis() - seen.timeMillis() > LIFE ? null : seen;
  }
}
