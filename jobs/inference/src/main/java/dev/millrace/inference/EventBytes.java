package dev.millrace.inference;

import dev.millrace.core.row.Numbers;
import dev.millrace.streaming.Event;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What an event holds of the heap, roughly: enough to bound what waits. */
final class EventBytes {

  private static final long OBJECT = 24;

  /** The event itself, its id and what scoring keeps beside it. */
  private static final long EVENT = 400;

  static long of(Event event, @Nullable ViewRow[] rows) {
    long bytes =
        EVENT + 2L * event.id().length() + length(event.rawKey()) + length(event.rawValue());
    for (Object value : event.values()) {
      if (value instanceof Number) {
        bytes += OBJECT;
      } else if (value instanceof CharSequence text) {
        bytes += 2 * OBJECT + 2L * text.length();
      } else if (value instanceof byte[] raw) {
        bytes += OBJECT + raw.length;
      } else if (value instanceof Numbers numbers) {
        bytes += 2 * OBJECT + numbers.bytes();
      } else if (value instanceof List<?> list) {
        bytes += OBJECT + OBJECT * list.size();
      } else {
        bytes += OBJECT;
      }
    }
    for (ViewRow row : rows) {
      bytes += row == null ? 0 : of(row);
    }
    return bytes;
  }

  private static long of(ViewRow row) {
    long bytes = 4 * OBJECT + OBJECT * row.values().length;
    for (Object value : row.values()) {
      bytes += value instanceof String text ? OBJECT + 2L * text.length() : 0;
    }
    return bytes;
  }

  private static int length(byte @Nullable [] raw) {
    return raw == null ? 0 : raw.length;
  }

  private EventBytes() {}
}
