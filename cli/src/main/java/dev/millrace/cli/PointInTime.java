package dev.millrace.cli;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import org.jspecify.annotations.Nullable;

/** A point in time as a command takes it: ISO-8601, a day in UTC, or epoch milliseconds. */
public final class PointInTime {

  /** The time that an option names; null where it is left out. */
  public static @Nullable Instant parse(String option, @Nullable String text) {
    if (text == null) {
      return null;
    }
    try {
      if (text.matches("-?\\d{5,}")) {
        return Instant.ofEpochMilli(Long.parseLong(text));
      }
      return text.indexOf('T') < 0
          ? LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant()
          : OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException | NumberFormatException e) {
      throw new UserMistake(
          "Cannot use "
              + option
              + " "
              + text
              + ": it is no point in time; write it as 2001-01-15T00:00:00Z",
          e);
    }
  }

  private PointInTime() {}
}
