package dev.millrace.core.row;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class PositionsTest {

  @Test
  void isWrittenAsPartitionAndOffsetJoinedByCommas() {
    Positions positions = Positions.NONE.advance(3, 4).advance(0, 17).advance(0, 16);
    assertThat(positions).hasToString("0:17,3:4");
    assertThat(Positions.parse("0:17,3:4")).isEqualTo(positions);
    assertThat(Positions.parse("")).isEqualTo(Positions.NONE);
  }

  @Test
  void coversWhatItHasReached() {
    Positions positions = Positions.parse("0:17,3:4");
    assertThat(positions.covers(0, 17)).isTrue();
    assertThat(positions.covers(0, 18)).isFalse();
    assertThat(positions.covers(1, 0)).isFalse();
  }

  @Test
  void ordersPartially() {
    Positions a = Positions.parse("0:5,1:3");
    Positions b = Positions.parse("0:4,1:4");
    assertThat(a.atLeast(b)).isFalse();
    assertThat(b.atLeast(a)).isFalse();
    assertThat(Positions.parse("0:5,1:4").atLeast(a)).isTrue();
    assertThat(a.atLeast(Positions.NONE)).isTrue();
  }

  @Test
  void refusesTextThatIsNotPositions() {
    assertThatThrownBy(() -> Positions.parse("0-4"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'0-4'");
  }

  @Test
  void equalsAMapThatKeepsTheLargestOffsetOfEachPartition() {
    Random random = new Random(11);
    for (int round = 0; round < 200; round++) {
      Positions positions = Positions.NONE;
      Map<Integer, Long> naive = new HashMap<>();
      for (int i = 0; i < 40; i++) {
        int partition = random.nextInt(6);
        long offset = random.nextInt(100);
        positions = positions.advance(partition, offset);
        naive.merge(partition, offset, Math::max);
      }
      StringBuilder text = new StringBuilder();
      new TreeMap<>(naive)
          .forEach((p, o) -> text.append(text.isEmpty() ? "" : ",").append(p + ":" + o));
      assertThat(positions).hasToString(text.toString());
    }
  }
}
