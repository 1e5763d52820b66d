package dev.millrace.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ArmAssignmentTest {

  private static final int UNITS = 1_000_000;

  private static final Map<String, Integer> ARMS = Map.of("control", 50, "eager", 30, "lazy", 20);

  @Test
  void eachArmHasItsShare() {
    ArmAssignment assignment = new ArmAssignment("delay_risk", "eager", ARMS);
    Map<String, Integer> counts = new HashMap<>();
    for (int unit = 0; unit < UNITS; unit++) {
      ArmAssignment.Arm arm = assignment.of("u" + unit);
      counts.merge(arm.name(), 1, Integer::sum);
      assertThat(arm.propensity()).isEqualTo(ARMS.getOrDefault(arm.name(), 0) / 100.0);
    }
    double chiSquare = 0;
    for (Map.Entry<String, Integer> arm : ARMS.entrySet()) {
      double expected = UNITS * arm.getValue() / 100.0;
      chiSquare += Math.pow(counts.getOrDefault(arm.getKey(), 0) - expected, 2) / expected;
    }
    // Two degrees of freedom: beyond it lies one in a thousand.
    assertThat(chiSquare).isLessThan(13.816);
  }

  @Test
  void aUnitStaysInItsArm() {
    ArmAssignment one = new ArmAssignment("delay_risk", "eager", ARMS);
    ArmAssignment other = new ArmAssignment("delay_risk", "eager", Map.copyOf(ARMS));
    for (int unit = 0; unit < 1_000; unit++) {
      assertThat(other.of("u" + unit)).isEqualTo(one.of("u" + unit));
    }
  }

  /** The control's units lose a fifth to the two others, in which nobody moves away. */
  @Test
  void aShareThatChangesMovesOnlyWhatItMust() {
    ArmAssignment before = new ArmAssignment("delay_risk", "eager", ARMS);
    ArmAssignment after =
        new ArmAssignment("delay_risk", "eager", Map.of("control", 40, "eager", 36, "lazy", 24));
    int moved = 0;
    for (int unit = 0; unit < 100_000; unit++) {
      String was = before.of("u" + unit).name();
      String is = after.of("u" + unit).name();
      if (!was.equals(is)) {
        assertThat(was).isEqualTo("control");
        moved++;
      }
    }
    assertThat(moved).isCloseTo(10_000, within(500));
  }

  /** Nobody's arm in one experiment says anything about the arm in another. */
  @Test
  void experimentsAreIndependent() {
    Map<String, Integer> halves = Map.of("a", 50, "b", 50);
    ArmAssignment one = new ArmAssignment("delay_risk", "first", halves);
    ArmAssignment other = new ArmAssignment("delay_risk", "second", halves);
    int same = 0;
    for (int unit = 0; unit < 100_000; unit++) {
      same += one.of("u" + unit).name().equals(other.of("u" + unit).name()) ? 1 : 0;
    }
    assertThat(same).isCloseTo(50_000, within(600));
  }
}
