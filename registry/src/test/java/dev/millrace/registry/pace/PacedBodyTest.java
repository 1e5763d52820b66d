package dev.millrace.registry.pace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.javalin.http.HttpResponseException;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class PacedBodyTest {

  private long nowNanos = 5;

  @Test
  void aPauseRefusesNoSmallBody() throws IOException {
    PacedBody body = body(20, 10, 9_000);

    assertThat(body.readAllBytes()).hasSize(20);
  }

  @Test
  void aBodyThatCameBeforeThePauseIsTakenHoweverLongItIs() throws IOException {
    PacedBody body = body(20, 20, 60_000);

    assertThat(body.readAllBytes()).hasSize(20);
  }

  @Test
  void whoSendsAByteASecondIsRefused() {
    PacedBody body = body(1_000, 1, 1_000);

    assertThatThrownBy(body::readAllBytes)
        .isInstanceOfSatisfying(
            HttpResponseException.class, e -> assertThat(e.getStatus()).isEqualTo(408))
        .hasMessageContaining("1000 bytes a second");
    assertThat(nowNanos).isLessThan(TimeUnit.SECONDS.toNanos(12));
  }

  @Test
  void whoKeepsThePaceIsNot() throws IOException {
    PacedBody body = body(120_000, 2_000, 1_000);

    assertThat(body.readAllBytes()).hasSize(120_000);
  }

  /** A body of which each read gives some bytes, and takes so long after the first. */
  private PacedBody body(int size, int each, long pauseMillis) {
    return new PacedBody(
        new ServletInputStream() {
          private int given;

          @Override
          public int read() {
            throw new UnsupportedOperationException(
                "Cannot read a single byte: this body comes in pieces");
          }

          @Override
          public int read(byte[] into, int from, int length) {
            if (given > 0) {
              nowNanos += TimeUnit.MILLISECONDS.toNanos(pauseMillis);
            }
            if (given == size) {
              return -1;
            }
            int more = Math.min(Math.min(each, size - given), length);
            given += more;
            return more;
          }

          @Override
          public boolean isFinished() {
            return given == size;
          }

          @Override
          public boolean isReady() {
            return true;
          }

          @Override
          public void setReadListener(ReadListener listener) {
            throw new UnsupportedOperationException(
                "Cannot take a listener: this body is read by whoever waits for it");
          }
        },
        () -> nowNanos);
  }
}
