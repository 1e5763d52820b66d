package dev.millrace.core.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Model.Decision;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.junit.jupiter.api.Test;

class DecisionsTest {

  private static final Schema SOURCE =
      SchemaBuilder.record("departure")
          .fields()
          .requiredString("origin")
          .optionalDouble("distance")
          .endRecord();

  @Test
  void theFirstThatHoldsIsTaken() {
    Decisions decisions =
        new Decisions(
            List.of(
                new Decision("FAR", "distance > 1000.0 && score >= 0.3"),
                new Decision("WARN", "score >= 0.5"),
                new Decision("OK", "true")),
            SOURCE);
    assertThat(decisions.first(new Object[] {"JFK", 2000.0}, 0.4)).isEqualTo("FAR");
    assertThat(decisions.first(new Object[] {"JFK", 200.0}, 0.5)).isEqualTo("WARN");
    assertThat(decisions.first(new Object[] {"JFK", 200.0}, 0.49)).isEqualTo("OK");
    // A null makes the condition null, which does not hold.
    assertThat(decisions.first(new Object[] {"JFK", null}, 0.9)).isEqualTo("WARN");
  }

  @Test
  void noneIsNull() {
    assertThat(new Decisions(List.of(), SOURCE).first(new Object[] {"JFK", 1.0}, 0.9)).isNull();
    Decisions narrow = new Decisions(List.of(new Decision("WARN", "score > 0.5")), SOURCE);
    assertThat(narrow.first(new Object[] {"JFK", 1.0}, 0.5)).isNull();
  }

  @Test
  void whatCannotBeComputedDoesNotHold() {
    Decisions decisions =
        new Decisions(
            List.of(new Decision("ODD", "1 / (size(origin) - 3) > 0"), new Decision("OK", "true")),
            SOURCE);
    assertThat(decisions.first(new Object[] {"JFK", 1.0}, 0.5)).isEqualTo("OK");
  }
}
