package dev.millrace.pipeline;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is to be computed again: the rows of a view whose T is in a range, both ends included.
 *
 * @param toRedis whether the last row of each entity also goes to Redis
 */
record BackfillRequest(String view, long fromMillis, long toMillis, boolean toRedis) {

  BackfillRequest {
    if (fromMillis > toMillis) {
      throw new IllegalArgumentException(
          "Cannot backfill view %s from %s to %s: that is backwards"
              .formatted(view, Instant.ofEpochMilli(fromMillis), Instant.ofEpochMilli(toMillis)));
    }
  }

  /**
   * Takes {@code --view V --from MILLIS --to MILLIS [--to-redis true]} out of a job's arguments.
   *
   * @param rest gets the others
   */
  static BackfillRequest parse(String[] args, List<String> rest) {
    String view = null;
    Long from = null;
    Long to = null;
    boolean toRedis = false;
    for (int i = 0; i + 1 < args.length; i += 2) {
      String value = args[i + 1];
      switch (args[i]) {
        case "--view" -> view = value;
        case "--from" -> from = Long.valueOf(value);
        case "--to" -> to = Long.valueOf(value);
        case "--to-redis" -> toRedis = Boolean.parseBoolean(value);
        default -> rest.addAll(new ArrayList<>(List.of(args[i], value)));
      }
    }
    return new BackfillRequest(
        required("--view", view), required("--from", from), required("--to", to), toRedis);
  }

  private static <T> T required(String option, @Nullable T value) {
    if (value == null) {
      throw new IllegalArgumentException("Cannot backfill: %s is missing".formatted(option));
    }
    return value;
  }
}
