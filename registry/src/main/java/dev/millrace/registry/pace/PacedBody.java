package dev.millrace.registry.pace;

import io.javalin.http.HttpResponseException;
import io.javalin.http.HttpStatus;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * The body of a request, whose sender has to keep a pace, so that it holds no worker for ever.
 *
 * <p>The server's own check has no patience: it counts from the first byte, and refuses a body of
 * twenty bytes where the process pauses for as many milliseconds.
 */
final class PacedBody extends ServletInputStream {

  /** Nobody is refused before: a pause of ours must not look like one of the client. */
  static final Duration PATIENCE = Duration.ofSeconds(10);

  static final long BYTES_PER_SECOND_MIN = 1_000;

  private final ServletInputStream body;
  private final LongSupplier nanos;
  private final long sinceNanos;
  private long bytes;

  /**
   * @param nanos a clock that never steps back
   */
  PacedBody(ServletInputStream body, LongSupplier nanos) {
    this.body = body;
    this.nanos = nanos;
    this.sinceNanos = nanos.getAsLong();
  }

  @Override
  public int read() throws IOException {
    int read = body.read();
    if (read >= 0) {
      came(1);
    }
    return read;
  }

  @Override
  public int read(byte[] into, int from, int length) throws IOException {
    int read = body.read(into, from, length);
    if (read > 0) {
      came(read);
    }
    return read;
  }

  private void came(int more) {
    bytes += more;
    long lateNanos = nanos.getAsLong() - sinceNanos - PATIENCE.toNanos();
    if (lateNanos > 0
        && bytes < Duration.ofNanos(lateNanos).toMillis() * BYTES_PER_SECOND_MIN / 1_000) {
      throw new HttpResponseException(
          HttpStatus.REQUEST_TIMEOUT.getCode(),
          "the body came with less than " + BYTES_PER_SECOND_MIN + " bytes a second; send it anew",
          Map.of());
    }
  }

  @Override
  public boolean isFinished() {
    return body.isFinished();
  }

  @Override
  public boolean isReady() {
    return body.isReady();
  }

  @Override
  public void setReadListener(ReadListener listener) {
    body.setReadListener(listener);
  }

  @Override
  public int available() throws IOException {
    return body.available();
  }

  @Override
  public void close() throws IOException {
    body.close();
  }
}
