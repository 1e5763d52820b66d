package dev.millrace.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WaitingTest {

  private final ScriptedRegistry registry;
  private final FakePace pace = new FakePace();
  private final RegistryClient client;

  WaitingTest() throws IOException {
    registry = new ScriptedRegistry();
    client = RegistryClient.connect(registry.address()).pace(Clock.systemUTC(), pace);
  }

  @AfterEach
  void close() {
    registry.close();
  }

  private static String state(String status) {
    return "{\"versions\": [{\"version\": 1, \"status\": \"VALIDATED\"}, {\"version\": 2, \"status\": \""
        + status
        + "\"}]}";
  }

  @Test
  void looksLessAndLessOften() throws Exception {
    for (int i = 0; i < 7; i++) {
      registry.says(200, state(i == 3 ? "SOMETHING_NEW" : "REGISTERED"));
    }
    registry.says(200, state("VALIDATED"));
    assertThat(client.serving().awaitValidated("m", 2, Duration.ofMinutes(1)).version())
        .isEqualTo(2);
    assertThat(pace.pausesMillis()).containsExactly(100L, 200L, 400L, 800L, 1600L, 2000L, 2000L);
  }

  @Test
  void theTimeIsKept() {
    registry.says(200, state("REGISTERED"));
    assertThatThrownBy(() -> client.serving().awaitValidated("m", 2, Duration.ofSeconds(5)))
        .isInstanceOf(TimeoutException.class)
        .hasMessage("Version 2 of model m is not validated after 5.0 s");
    assertThat(pace.nanos()).isEqualTo(5_000_000_000L);
  }

  @Test
  void whatNeverComesIsNotWaitedFor() {
    registry.says(200, state("REJECTED"));
    assertThatThrownBy(() -> client.serving().awaitValidated("m", 2, Duration.ofDays(1)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("it is REJECTED; register another one");
    RegistryException missing =
        catchThrowableOfType(
            RegistryException.class,
            () -> client.serving().awaitValidated("m", 3, Duration.ofDays(1)));
    assertThat(missing.isMissing()).isTrue();
    assertThat(pace.pausesMillis()).isEmpty();
  }

  @Test
  void aCanaryServesToo() throws Exception {
    registry
        .says(200, deployment("EFFECTIVE", 1, "null"))
        .says(200, state("REGISTERED"))
        .says(200, deployment("EFFECTIVE", 1, "{\"version\": 2}"));
    Deployment serving = client.serving().awaitServing("m", 2, Duration.ofMinutes(1));
    assertThat(serving.serves(1)).isTrue();
    assertThat(serving.serves(3)).isFalse();
  }

  private static String deployment(String state, int champion, String canary) {
    return "{\"state\": \"%s\", \"champion\": {\"version\": %d}, \"canary\": %s, \"effective_time\": 7}"
        .formatted(state, champion, canary);
  }

  @Test
  void whoWaitsCanBeInterrupted() throws Exception {
    registry.says(200, state("REGISTERED"));
    CountDownLatch pausing = new CountDownLatch(1);
    Pace endless =
        new Pace() {
          @Override
          public long nanos() {
            return 0;
          }

          @Override
          public void pause(Duration time) throws InterruptedException {
            pausing.countDown();
            new CountDownLatch(1).await();
          }

          @Override
          public double chance() {
            return 0;
          }
        };
    RegistryClient patient = client.pace(Clock.systemUTC(), endless);
    CompletableFuture<Throwable> ended = new CompletableFuture<>();
    Thread waiting =
        new Thread(
            () -> {
              try {
                var unusedState = patient.serving().awaitValidated("m", 2, Duration.ofDays(1));
                ended.complete(new AssertionError("it is not validated"));
              } catch (IOException | TimeoutException | InterruptedException e) {
                ended.complete(e);
              }
            });
    waiting.start();
    pausing.await();
    waiting.interrupt();
    assertThat(ended.get(30, TimeUnit.SECONDS)).isInstanceOf(InterruptedException.class);
  }
}
