package dev.millrace.drift.audit;

import java.io.Serializable;
import java.time.Duration;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;

/**
 * How much is audited; keys of Flink's configuration, so an operator of the platform sets them in
 * {@code flink-conf}.
 *
 * @param share of the served predictions that is audited; zero for none
 * @param perMinute how many times the archive is read in a minute at most
 * @param waitingMost how many audits may wait; further ones are left out and counted
 * @param patience how long an audit waits for the archive
 * @param eventsMost how many events of one entity are read for one audit
 */
public record AuditOptions(
    double share, int perMinute, int waitingMost, Duration patience, int eventsMost)
    implements Serializable {

  static final ConfigOption<Double> SHARE =
      ConfigOptions.key("millrace.audit.share")
          .doubleType()
          .defaultValue(0.001)
          .withDescription("Share of the served predictions that is audited; 0 turns it off.");

  static final ConfigOption<Integer> PER_MINUTE =
      ConfigOptions.key("millrace.audit.per-minute")
          .intType()
          .defaultValue(30)
          .withDescription("How many times the archive is read in a minute at most.");

  static final ConfigOption<Integer> WAITING_MOST =
      ConfigOptions.key("millrace.audit.max-waiting")
          .intType()
          .defaultValue(300)
          .withDescription("How many audits may wait; further ones are left out and counted.");

  static final ConfigOption<Duration> PATIENCE =
      ConfigOptions.key("millrace.audit.patience")
          .durationType()
          .defaultValue(Duration.ofMinutes(10))
          .withDescription("How long an audit waits until the archive holds the row's events.");

  static final ConfigOption<Integer> EVENTS_MOST =
      ConfigOptions.key("millrace.audit.max-events")
          .intType()
          .defaultValue(200_000)
          .withDescription("How many events of one entity are read for one audit.");

  private static final int MILLIS_PER_MINUTE = 60_000;

  public AuditOptions {
    if (!(share >= 0 && share <= 1) || perMinute < 1 || waitingMost < 1 || eventsMost < 1) {
      throw new IllegalArgumentException(
          "Cannot audit with millrace.audit.share %s, per-minute %s, max-waiting %s, max-events %s:"
                  .formatted(share, perMinute, waitingMost, eventsMost)
              + " the share is from 0 to 1, the others are at least 1");
    }
  }

  public static AuditOptions from(ReadableConfig config) {
    return new AuditOptions(
        config.get(SHARE),
        config.get(PER_MINUTE),
        config.get(WAITING_MOST),
        config.get(PATIENCE),
        config.get(EVENTS_MOST));
  }

  public AuditSample sample() {
    return new AuditSample(share);
  }

  /** From one read of the archive to the next. */
  long paceMillis() {
    return Math.max(1, MILLIS_PER_MINUTE / perMinute);
  }
}
