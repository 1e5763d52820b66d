package dev.millrace.cli.demo;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.core.model.LifecycleEntry;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * The loop's events as lines for a person: event time first. What says the same again within a day
 * of event time is left out; the topics have all of it.
 */
final class LoopStory {

  private static final long AGAIN_MILLIS = Duration.ofDays(1).toMillis();
  private static final int WHY_LENGTH_MAX = 150;

  private final Narration narration;
  private final LongSupplier nowMillis;
  private final Map<String, Long> toldMillis = new HashMap<>();
  private final Set<String> toldOnce = new HashSet<>();
  private long untoldDrifts;

  /**
   * A story.
   *
   * @param nowMillis the event time that was last scored, for what has none of its own
   */
  LoopStory(Narration narration, LongSupplier nowMillis) {
    this.narration = narration;
    this.nowMillis = nowMillis;
  }

  void drift(GenericRecord record) {
    long atMillis = (Long) record.get("window_end");
    // Of all segments and statistics of an input one is told a day.
    if (again("drift " + record.get("feature"), atMillis)) {
      untoldDrifts++;
      return;
    }
    tell(
        atMillis,
        "drift",
        DemoSummary.format(
            "%s of %s%s %.4f above %s",
            record.get("statistic"),
            record.get("feature"),
            segment(record),
            number(record.get("value")),
            shown(record.get("threshold"))));
  }

  void performance(GenericRecord record) {
    long atMillis = (Long) record.get("window_end");
    if (again(
        "performance " + record.get("metric") + record.get("segment") + record.get("version"),
        atMillis)) {
      return;
    }
    Object since = record.get("since");
    tell(
        atMillis,
        "performance",
        DemoSummary.format(
            "ALARM %s of version %s%s is %.4f, beyond %s%s",
            record.get("metric"),
            record.get("version"),
            segment(record),
            number(record.get("value")),
            shown(record.get("threshold")),
            since == null ? "" : ", rising since " + utc((Long) since)));
  }

  void retraining(GenericRecord record) {
    String decision = String.valueOf(record.get("decision"));
    if (!toldOnce.add(
        decision.equals("REQUESTED")
            ? String.valueOf(record.get("request_id"))
            : record.get("episode") + " " + record.get("why"))) {
      return;
    }
    Object end = record.get("window_end");
    tell(
        (Long) record.get("decided_at"),
        "retraining",
        decision
            + " because of "
            + record.get("cause")
            + ": "
            + cut(record.get("why"))
            + (end == null ? "" : "; training window ends " + utc((Long) end)));
  }

  void rollout(GenericRecord record) {
    double share = (Double) record.get("share");
    tell(
        (Long) record.get("event_time"),
        "rollout",
        DemoSummary.format(
            "version %s %s%s %s: %s",
            record.get("version"),
            record.get("phase"),
            share > 0 ? DemoSummary.format(" %.0f %%", 100 * share) : "",
            record.get("decision"),
            cut(record.get("why"))));
  }

  void alert(GenericRecord record) {
    tell(
        (Long) record.get("event_time"),
        "ALERT",
        record.get("rule") + ": " + cut(record.get("message")));
  }

  void lifecycle(LifecycleEntry entry, JsonNode details) {
    if (entry.kind() != LifecycleEntry.Kind.EVENT) {
      return;
    }
    JsonNode effective = details.path("effective_time");
    long atMillis = effective.isNumber() ? effective.asLong() : nowMillis.getAsLong();
    tell(
        atMillis,
        "registry",
        entry.type()
            + (entry.version() == null ? "" : " version " + entry.version())
            + " by "
            + entry.actor()
            + ": "
            + cut(entry.reason()));
  }

  /** Windows of drift that had a line's worth and got none. */
  synchronized long untoldDrifts() {
    return untoldDrifts;
  }

  private synchronized boolean again(String what, long atMillis) {
    Long before = toldMillis.get(what);
    if (before != null && atMillis - before < AGAIN_MILLIS) {
      return true;
    }
    toldMillis.put(what, atMillis);
    return false;
  }

  private void tell(long atMillis, String who, String what) {
    narration.detail(DemoSummary.format("%s  %-11s  %s", utc(atMillis), who, what));
  }

  static String utc(long millis) {
    return Instant.ofEpochMilli(millis).truncatedTo(ChronoUnit.SECONDS).toString();
  }

  private static String segment(GenericRecord record) {
    Object segment = record.get("segment");
    return segment == null ? "" : " where " + segment;
  }

  private static double number(@Nullable Object value) {
    return value == null ? Double.NaN : (Double) value;
  }

  static String shown(@Nullable Object value) {
    return value == null ? "none" : DemoSummary.format("%.4f", (Double) value);
  }

  private static String cut(@Nullable Object text) {
    String whole = String.valueOf(text);
    return whole.length() <= WHY_LENGTH_MAX ? whole : whole.substring(0, WHY_LENGTH_MAX) + "…";
  }
}
