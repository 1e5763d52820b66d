package dev.millrace.cli.look;

import dev.millrace.cli.UserMistake;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Lengths of time as Millrace writes them: {@code 50ms 10s 15m 1h 7d}. */
public final class Spans {

  private static final Pattern FORM = Pattern.compile("(\\d{1,9})(ms|s|m|h|d)");
  private static final long MINUTE_SECONDS = 60;
  private static final long HOUR_SECONDS = 3_600;
  private static final long DAY_SECONDS = 86_400;

  private Spans() {}

  /** Reads what the command line says. */
  public static Duration parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      throw new UserMistake(
          "Cannot read duration '" + text + "': expected a number and ms, s, m, h or d, as in 10s");
    }
    long number = Long.parseLong(matcher.group(1));
    return switch (matcher.group(2)) {
      case "ms" -> Duration.ofMillis(number);
      case "s" -> Duration.ofSeconds(number);
      case "m" -> Duration.ofMinutes(number);
      case "h" -> Duration.ofHours(number);
      default -> Duration.ofDays(number);
    };
  }

  /** The two largest units of a duration: {@code 3d 4h}. */
  static String show(Duration duration) {
    long seconds = duration.toSeconds();
    if (seconds < 0) {
      return "-" + show(duration.negated());
    }
    if (seconds < MINUTE_SECONDS) {
      return seconds + "s";
    }
    if (seconds < HOUR_SECONDS) {
      return seconds / MINUTE_SECONDS + "m " + seconds % MINUTE_SECONDS + "s";
    }
    if (seconds < DAY_SECONDS) {
      return seconds / HOUR_SECONDS + "h " + seconds % HOUR_SECONDS / MINUTE_SECONDS + "m";
    }
    return seconds / DAY_SECONDS + "d " + seconds % DAY_SECONDS / HOUR_SECONDS + "h";
  }
}
