package dev.millrace.core.row;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class EntityKeysTest {

  @Test
  void joinsKeyValuesByTilde() {
    assertThat(EntityKeys.redisKey("route", join("JFK", "LAX"), "route_delays"))
        .isEqualTo("features:{route:JFK~LAX}:route_delays");
  }

  @Test
  void encodesWhatTheKeyIsBuiltOf() {
    assertThat(join("a~b", "{c}", "50%")).isEqualTo("a%7Eb~%7Bc%7D~50%25");
  }

  @Test
  void hasNoEntityWhereAValueIsNull() {
    assertThat(EntityKeys.join(Arrays.asList("JFK", null))).isNull();
  }

  @Test
  void writesNumbersAsTheyRead() {
    assertThat(join(4711L)).isEqualTo("4711");
  }

  @Test
  void splitsIntoWhatWasJoined() {
    for (List<String> values :
        List.of(
            List.of("JFK", "LAX"),
            List.of("a~b", "{c}", "50%"),
            List.of("%7E", "%257B", "", "~%~"),
            List.of(""))) {
      assertThat(EntityKeys.split(join(values.toArray()))).isEqualTo(values);
    }
  }

  private static String join(Object... values) {
    return String.valueOf(EntityKeys.join(List.of(values)));
  }
}
