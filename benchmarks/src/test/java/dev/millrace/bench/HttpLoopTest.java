package dev.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.millrace.bench.HttpLoop.Question;
import dev.millrace.bench.HttpLoop.Seen;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpRequest;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class HttpLoopTest {

  private final CountDownLatch held = new CountDownLatch(1);
  private final ExecutorService serving = Executors.newCachedThreadPool();
  private final HttpLoop loop = new HttpLoop();
  private final HttpServer server;

  HttpLoopTest() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
  }

  @BeforeEach
  void serve() {
    server.setExecutor(serving);
    server.createContext(
        "/",
        exchange -> {
          if (exchange.getRequestURI().getPath().equals("/held")) {
            try {
              held.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          } else {
            held.countDown();
          }
          exchange.sendResponseHeaders(
              exchange.getRequestURI().getPath().equals("/no") ? 503 : 200, -1);
          exchange.close();
        });
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
    serving.shutdownNow();
  }

  private Question question(String kind) {
    return new Question(
        kind,
        HttpRequest.newBuilder(
            URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/" + kind)));
  }

  @Test
  void countsWhatIsNoAnswer() {
    Seen seen = loop.sequential(10, i -> question(i % 5 == 0 ? "no" : "yes"));
    assertThat(seen.failed()).isEqualTo(2);
    assertThat(seen.millis().values()).hasSize(10);
    assertThat(seen.millis("no").values()).hasSize(2);
  }

  @Test
  void sendsAlthoughNothingWasAnsweredYet() {
    // The first answer comes only once the second was asked for.
    Seen seen = loop.paced(100, 0, 0.02, i -> question(i == 0 ? "held" : "yes"));
    assertThat(seen.failed()).isZero();
    assertThat(seen.millis("held").least()).isGreaterThanOrEqualTo(10);
  }

  @Test
  void leavesTheWarmUpOut() {
    Seen seen = loop.paced(1_000, 0.02, 0.01, i -> question(i < 20 ? "no" : "yes"));
    assertThat(seen.millis().values()).hasSize(10);
    assertThat(seen.failed()).isZero();
  }
}
