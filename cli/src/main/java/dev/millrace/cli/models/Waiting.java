package dev.millrace.cli.models;

import dev.millrace.cli.Ticker;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Says every few seconds how far something long is; of what is short it says nothing. Where bytes
 * do not move for a minute it closes their stream, so that nobody waits for ever.
 */
final class Waiting implements AutoCloseable {

  private static final long EVERY_SECONDS = 5;
  private static final long STALLED_SECONDS = 60;
  private static final double MEGABYTE = 1e6;

  private final Ticker ticker = new Ticker();
  private final String before;
  private volatile String verb = "";
  private volatile long whole;
  private final AtomicLong bytes = new AtomicLong();
  private volatile long movedNanos;
  private volatile @Nullable InputStream stream;

  /**
   * @param before what is said until bytes move, and when all have
   */
  Waiting(String before, Consumer<String> progress) {
    this.before = before;
    ticker.start(EVERY_SECONDS, () -> look(progress));
  }

  /** From now on bytes are counted; {@code whole} is negative where nobody knows how many. */
  void begin(String verb, long whole) {
    this.verb = verb;
    this.whole = whole;
    this.bytes.set(0);
  }

  private void look(Consumer<String> progress) {
    progress.accept(line());
    InputStream moving = stream;
    if (moving != null
        && bytes.get() != whole
        && System.nanoTime() - movedNanos > TimeUnit.SECONDS.toNanos(STALLED_SECONDS)) {
      progress.accept("no byte moved for " + STALLED_SECONDS + " s");
      try {
        moving.close();
      } catch (IOException e) {
        progress.accept("it cannot be closed either: " + e.getMessage());
      }
    }
  }

  private String line() {
    if (verb.isEmpty()) {
      return before;
    }
    if (bytes.get() == whole) {
      return verb + " all; the registry works";
    }
    return String.format(Locale.ROOT, "%s %.1f MB", verb, bytes.get() / MEGABYTE)
        + (whole < 0 ? "" : String.format(Locale.ROOT, " of %.1f MB", whole / MEGABYTE));
  }

  /** The same stream, counted as it is read; one at a time. */
  InputStream counted(InputStream in) {
    movedNanos = System.nanoTime();
    stream = in;
    return new FilterInputStream(in) {
      @Override
      public int read() throws IOException {
        int next = in.read();
        count(next < 0 ? 0 : 1);
        return next;
      }

      @Override
      public int read(byte[] buffer, int offset, int length) throws IOException {
        int read = in.read(buffer, offset, length);
        count(Math.max(read, 0));
        return read;
      }
    };
  }

  private void count(int more) {
    long unusedSoFar = bytes.addAndGet(more);
    movedNanos = System.nanoTime();
  }

  @Override
  public void close() {
    ticker.close();
  }
}
