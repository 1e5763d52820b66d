package dev.millrace.streaming;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * What a writing subtask says of event time on each of its records: nothing at or before the
 * watermark follows from it. A reader of the topic has event time from it, whatever order the
 * records of several writers come in.
 *
 * @param subtask that wrote the record
 * @param parallelism how many subtasks write the topic
 */
public record Stamp(int subtask, int parallelism, long watermarkMillis) {

  /** The Kafka header: {@code subtask/parallelism/millis}. */
  public static final String HEADER = "millrace-watermark";

  /** The header's value. */
  public byte[] bytes() {
    return (subtask + "/" + parallelism + "/" + watermarkMillis)
        .getBytes(StandardCharsets.US_ASCII);
  }

  /** Reads a header's value; null where there is none or it is no stamp. */
  public static @Nullable Stamp parse(byte @Nullable [] value) {
    if (value == null) {
      return null;
    }
    String text = new String(value, StandardCharsets.US_ASCII);
    int first = text.indexOf('/');
    int second = text.indexOf('/', first + 1);
    if (first < 0 || second < 0) {
      return null;
    }
    try {
      Stamp stamp =
          new Stamp(
              Integer.parseInt(text.substring(0, first)),
              Integer.parseInt(text.substring(first + 1, second)),
              Long.parseLong(text.substring(second + 1)));
      return stamp.subtask >= 0 && stamp.subtask < stamp.parallelism ? stamp : null;
    } catch (NumberFormatException e) {
      return null;
    }
  }
}
