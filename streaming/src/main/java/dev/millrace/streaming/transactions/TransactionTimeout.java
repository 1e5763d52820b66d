package dev.millrace.streaming.transactions;

import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import org.apache.flink.util.TimeUtils;
import org.jspecify.annotations.Nullable;

/**
 * How long a transaction may stay open. It is opened with one checkpoint and committed after the
 * next one is complete; where the job fails between, it is committed when the job is back. Kafka
 * aborts what is open for longer, and what was in it is lost. While one is open nobody who reads
 * committed records gets past it, so it is not longer than the broker's usual ceiling by itself.
 *
 * @param timeout what the producers are given
 * @param warning what is wrong with it although it is taken; null if nothing is
 */
public record TransactionTimeout(Duration timeout, @Nullable String warning) {

  /** A duration such as {@code 20s} or {@code 30min}. */
  public static final String ENVIRONMENT_VARIABLE = "MILLRACE_TRANSACTION_TIMEOUT";

  /** What a restart may take: to notice, to wait, to restore. */
  static final Duration RESTART = Duration.ofMinutes(2);

  /** Below the broker's default ceiling of 15 minutes. */
  static final Duration USUAL = Duration.ofMinutes(14);

  /**
   * What the surroundings allow and ask for.
   *
   * @param brokerMost {@code transaction.max.timeout.ms}
   */
  public record Limits(
      Duration checkpointInterval, Duration checkpointTimeout, Duration brokerMost) {

    Duration least() {
      return checkpointInterval.plus(checkpointTimeout).plus(RESTART);
    }

    String leastText() {
      return "%s (execution.checkpointing.interval %s + execution.checkpointing.timeout %s + %s for a restart)"
          .formatted(
              text(least()), text(checkpointInterval), text(checkpointTimeout), text(RESTART));
    }
  }

  /** What {@link #ENVIRONMENT_VARIABLE} says; null where it says nothing. */
  public static @Nullable Duration asked(Map<String, String> environment) {
    String text = environment.get(ENVIRONMENT_VARIABLE);
    if (text == null || text.isBlank()) {
      return null;
    }
    Duration asked;
    try {
      asked = TimeUtils.parseDuration(text);
    } catch (RuntimeException e) {
      throw new IllegalArgumentException(
          "Cannot read %s=%s: it is no duration such as 20s or 30min"
              .formatted(ENVIRONMENT_VARIABLE, text),
          e);
    }
    if (asked.isZero() || asked.isNegative()) {
      throw new IllegalArgumentException(
          "Cannot take %s=%s: it has to be above 0".formatted(ENVIRONMENT_VARIABLE, text));
    }
    return asked;
  }

  /**
   * Chooses a timeout. One that was asked for is taken even where it is too short for a restart,
   * with a warning; above the broker's ceiling nothing is.
   *
   * @param sink for messages
   * @throws IllegalArgumentException when no timeout would do
   */
  public static TransactionTimeout of(String sink, @Nullable Duration asked, Limits limits) {
    if (asked == null) {
      if (limits.least().compareTo(limits.brokerMost()) > 0) {
        throw new IllegalArgumentException(
            "Cannot start %s: its transactions have to stay open for %s, and the broker's transaction.max.timeout.ms is %s; lower the checkpoint's timeout, raise the broker's setting, or take the risk with %s"
                .formatted(
                    sink, limits.leastText(), text(limits.brokerMost()), ENVIRONMENT_VARIABLE));
      }
      Duration wanted = longer(USUAL, limits.least());
      return new TransactionTimeout(
          wanted.compareTo(limits.brokerMost()) > 0 ? limits.brokerMost() : wanted, null);
    }
    if (asked.compareTo(limits.brokerMost()) > 0) {
      throw new IllegalArgumentException(
          "Cannot start %s: %s is %s, and the broker's transaction.max.timeout.ms is %s; lower the one or raise the other"
              .formatted(sink, ENVIRONMENT_VARIABLE, text(asked), text(limits.brokerMost())));
    }
    if (asked.compareTo(limits.least()) >= 0) {
      return new TransactionTimeout(asked, null);
    }
    return new TransactionTimeout(
        asked,
        "%s: %s=%s is shorter than %s: after a slow restart the job fails because records are lost"
            .formatted(sink, ENVIRONMENT_VARIABLE, text(asked), limits.leastText()));
  }

  /** As a message names it. */
  public static String text(Duration duration) {
    return duration.toMillis() % 1000 == 0
        ? duration.toSeconds() + " s"
        : String.format(Locale.ROOT, "%d ms", duration.toMillis());
  }

  private static Duration longer(Duration one, Duration other) {
    return one.compareTo(other) >= 0 ? one : other;
  }
}
