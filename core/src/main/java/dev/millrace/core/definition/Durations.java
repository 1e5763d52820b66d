package dev.millrace.core.definition;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Durations as users write them: {@code 50ms 10s 15m 1h 7d}, and 0. */
final class Durations {

  private static final Pattern TEXT = Pattern.compile("([0-9]{1,12})(ms|s|m|h|d)");
  private static final Duration LONGEST = Duration.ofDays(36_500);

  private Durations() {}

  /** Null where the text is no duration, or one of more than a hundred years. */
  static @Nullable Duration parse(String text) {
    if (text.equals("0")) {
      return Duration.ZERO;
    }
    Matcher matcher = TEXT.matcher(text);
    if (!matcher.matches()) {
      return null;
    }
    long number = Long.parseLong(matcher.group(1));
    Duration unit =
        switch (matcher.group(2)) {
          case "ms" -> Duration.ofMillis(1);
          case "s" -> Duration.ofSeconds(1);
          case "m" -> Duration.ofMinutes(1);
          case "h" -> Duration.ofHours(1);
          default -> Duration.ofDays(1);
        };
    Duration duration = unit.multipliedBy(number);
    return duration.compareTo(LONGEST) > 0 ? null : duration;
  }

  /** The text without leading zeros, in the user's own unit: part of feature names. */
  static String canonical(String text) {
    return text.replaceFirst("^0+(?=[0-9])", "");
  }
}
