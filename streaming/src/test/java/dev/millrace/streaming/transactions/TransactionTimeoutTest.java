package dev.millrace.streaming.transactions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The choice between what checkpoints need and what the broker takes. */
class TransactionTimeoutTest {

  private static final String VARIABLE = TransactionTimeout.ENVIRONMENT_VARIABLE;

  @Test
  void fourteenMinutesWhereThatDoes() {
    assertThat(chosen(null, "5s", "2min", "15min").timeout()).isEqualTo(Duration.ofMinutes(14));
    // Flink's own checkpoint timeout: 5 s + 10 min + 2 min.
    assertThat(chosen(null, "5s", "10min", "15min").warning()).isNull();
  }

  @Test
  void longerWhereCheckpointsNeedItAndTheBrokerTakesIt() {
    assertThat(chosen(null, "1min", "20min", "1h").timeout()).isEqualTo(Duration.ofMinutes(23));
  }

  @Test
  void shorterWhereTheBrokerTakesNoMore() {
    assertThat(chosen(null, "5s", "2min", "5min").timeout()).isEqualTo(Duration.ofMinutes(5));
    assertThat(chosen(null, "5s", "2min", "245s").timeout()).isEqualTo(Duration.ofSeconds(245));
  }

  @Test
  void refusedWhereTheBrokerTakesLessThanCheckpointsNeed() {
    assertThatThrownBy(() -> chosen(null, "5s", "2min", "244999ms"))
        .hasMessage(
            "Cannot start P: its transactions have to stay open for 245 s (execution.checkpointing.interval 5 s"
                + " + execution.checkpointing.timeout 120 s + 120 s for a restart), and the broker's"
                + " transaction.max.timeout.ms is 244999 ms; lower the checkpoint's timeout, raise the broker's"
                + " setting, or take the risk with MILLRACE_TRANSACTION_TIMEOUT");
  }

  @Test
  void whatWasAskedForIsTaken() {
    assertThat(chosen("5min", "5s", "2min", "15min"))
        .isEqualTo(new TransactionTimeout(Duration.ofMinutes(5), null));
  }

  @Test
  void whatWasAskedForAndIsTooShortIsTakenWithAWarning() {
    TransactionTimeout chosen = chosen("20s", "5s", "2min", "15min");
    assertThat(chosen.timeout()).isEqualTo(Duration.ofSeconds(20));
    assertThat(chosen.warning())
        .startsWith("P: MILLRACE_TRANSACTION_TIMEOUT=20 s is shorter than 245 s (");
  }

  @Test
  void whatWasAskedForAndTheBrokerDoesNotTakeIsRefused() {
    assertThatThrownBy(() -> chosen("16min", "5s", "2min", "15min"))
        .hasMessage(
            "Cannot start P: MILLRACE_TRANSACTION_TIMEOUT is 960 s, and the broker's transaction.max.timeout.ms is"
                + " 900 s; lower the one or raise the other");
  }

  @Test
  void theVariableIsADurationAboveZeroOrNothing() {
    assertThat(TransactionTimeout.asked(Map.of())).isNull();
    assertThat(TransactionTimeout.asked(Map.of(VARIABLE, " "))).isNull();
    assertThat(TransactionTimeout.asked(Map.of(VARIABLE, "20s"))).isEqualTo(Duration.ofSeconds(20));
    assertThatThrownBy(() -> TransactionTimeout.asked(Map.of(VARIABLE, "soon")))
        .hasMessageContaining("MILLRACE_TRANSACTION_TIMEOUT=soon: it is no duration");
    assertThatThrownBy(() -> TransactionTimeout.asked(Map.of(VARIABLE, "0s")))
        .hasMessageContaining("above 0");
  }

  private static TransactionTimeout chosen(
      @Nullable String asked, String interval, String timeout, String broker) {
    return TransactionTimeout.of(
        "P",
        TransactionTimeout.asked(asked == null ? Map.of() : Map.of(VARIABLE, asked)),
        new TransactionTimeout.Limits(millis(interval), millis(timeout), millis(broker)));
  }

  private static Duration millis(String text) {
    int digits = 0;
    while (Character.isDigit(text.charAt(digits))) {
      digits++;
    }
    long number = Long.parseLong(text.substring(0, digits));
    return switch (text.substring(digits)) {
      case "ms" -> Duration.ofMillis(number);
      case "s" -> Duration.ofSeconds(number);
      case "min" -> Duration.ofMinutes(number);
      default -> Duration.ofHours(number);
    };
  }
}
