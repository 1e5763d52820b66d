package dev.millrace.inference;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is to be scored: the events of a model whose time is in a range, both ends included.
 *
 * @param version who scores them all; null for who served each
 * @param fromTopic whether events are read from what the source's topic keeps, not from the archive
 * @param out the Parquet file to write; null for the table
 * @param run tells the rows of this run from those of others
 */
record ScoreRequest(
    String model,
    long fromMillis,
    long toMillis,
    @Nullable Integer version,
    boolean fromTopic,
    @Nullable String out,
    String run) {

  ScoreRequest {
    if (fromMillis > toMillis) {
      throw new IllegalArgumentException(
          "Cannot score model %s from %s to %s: that is backwards"
              .formatted(model, Instant.ofEpochMilli(fromMillis), Instant.ofEpochMilli(toMillis)));
    }
  }

  /**
   * Takes {@code --model M --from MILLIS --to MILLIS --run ID [--version V] [--source topic] [--out
   * F]} out of a job's arguments.
   *
   * @param rest gets the others
   */
  static ScoreRequest parse(String[] args, List<String> rest) {
    String model = null;
    Long from = null;
    Long to = null;
    Integer version = null;
    boolean fromTopic = false;
    String out = null;
    String run = null;
    for (int i = 0; i + 1 < args.length; i += 2) {
      String value = args[i + 1];
      switch (args[i]) {
        case "--model" -> model = value;
        case "--from" -> from = Long.valueOf(value);
        case "--to" -> to = Long.valueOf(value);
        case "--version" -> version = Integer.valueOf(value);
        case "--source" -> fromTopic = value.equals("topic");
        case "--out" -> out = value;
        case "--run" -> run = value;
        default -> rest.addAll(List.of(args[i], value));
      }
    }
    return new ScoreRequest(
        required("--model", model),
        required("--from", from),
        required("--to", to),
        version,
        fromTopic,
        out,
        required("--run", run));
  }

  private static <T> T required(String option, @Nullable T value) {
    if (value == null) {
      throw new IllegalArgumentException("Cannot score: %s is missing".formatted(option));
    }
    return value;
  }
}
