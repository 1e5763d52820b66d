package dev.millrace.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RepeatsTest {

  private static final String MODEL =
      "{\"registered_model\": {\"name\": \"m\", \"creation_timestamp\": \"5\", \"new\": {}}}";

  private final ScriptedRegistry registry;
  private final FakePace pace = new FakePace();
  private final RegistryClient client;

  RepeatsTest() throws IOException {
    registry = new ScriptedRegistry();
    client = RegistryClient.connect(registry.address()).pace(Clock.systemUTC(), pace);
  }

  @AfterEach
  void close() {
    registry.close();
  }

  @Test
  void aChangeIsSentAgainUnderTheSameKey() throws Exception {
    String busy = "{\"error_code\": \"TEMPORARILY_UNAVAILABLE\", \"message\": \"not ready\"}";
    registry.says(503, busy).says(502, "<html>gone</html>").says(200, MODEL);
    assertThat(client.models().create("m").createdAt().toEpochMilli()).isEqualTo(5);
    assertThat(registry.asked())
        .hasSize(3)
        .extracting(asked -> asked.header("Idempotency-key"))
        .containsOnly(registry.asked().get(0).header("Idempotency-key"))
        .doesNotContain("");
    assertThat(pace.pausesMillis()).containsExactly(100L, 200L);
    registry.says(200, MODEL);
    var unusedOther = client.models().create("m");
    assertThat(registry.asked().get(3).header("Idempotency-key"))
        .isNotEqualTo(registry.asked().get(0).header("Idempotency-key"));
  }

  @Test
  void patienceHasAnEnd() {
    registry.says(503, "{\"error\": \"the registry is not ready: READING\"}");
    RegistryException refused =
        catchThrowableOfType(RegistryException.class, () -> client.models().get("m"));
    assertThat(refused.status()).isEqualTo(503);
    assertThat(refused.errorCode()).isEqualTo("TEMPORARILY_UNAVAILABLE");
    assertThat(refused.said()).isEqualTo("the registry is not ready: READING");
    assertThat(refused).hasMessageStartingWith("Cannot get model m: the registry is not ready");
    assertThat(pace.pausesMillis())
        .startsWith(100L, 200L, 400L, 800L, 1600L, 3200L, 5000L, 5000L)
        .hasSize(registry.asked().size() - 1);
    assertThat(pace.nanos()).isBetween(50_000_000_000L, 60_000_000_000L);
  }

  @Test
  void theRegistrySaysHowLongItWantsToBeLeftAlone() throws Exception {
    registry
        .says(429, "{}".getBytes(StandardCharsets.UTF_8), Map.of("Retry-After", "7"))
        .says(200, MODEL);
    assertThat(client.models().get("m").name()).isEqualTo("m");
    assertThat(pace.pausesMillis()).containsExactly(7_000L);
  }

  @ParameterizedTest
  @ValueSource(ints = {400, 401, 403, 404, 409, 500, 501})
  void whatIsRefusedForGoodIsNotAskedAgain(int status) {
    registry.says(
        status, "{\"error_code\": \"SOMETHING_NEW\", \"message\": \"no\", \"more\": [1]}");
    RegistryException refused =
        catchThrowableOfType(RegistryException.class, () -> client.models().create("m"));
    assertThat(refused.errorCode()).isEqualTo("SOMETHING_NEW");
    assertThat(refused.status()).isEqualTo(status);
    assertThat(refused.isMissing()).isEqualTo(status == 404);
    assertThat(registry.asked()).hasSize(1);
  }

  @Test
  void whoeverElseAnswersIsTold() {
    registry.says(200, "<html>welcome</html>");
    assertThatThrownBy(() -> client.patience(Duration.ZERO).models().get("m"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is no JSON object, so it is no registry");
    registry.says(403, "who are you?").says(403, "who are you?");
    RegistryException refused =
        catchThrowableOfType(RegistryException.class, () -> secondAnswer("m"));
    assertThat(refused.errorCode()).isEqualTo("PERMISSION_DENIED");
    assertThat(refused.said()).isEqualTo("who are you?");
  }

  private RegisteredModel secondAnswer(String model) throws Exception {
    assertThatThrownBy(() -> client.patience(Duration.ZERO).models().get(model))
        .isInstanceOf(IOException.class);
    return client.models().get(model);
  }

  @Test
  void aTokenIsSentAndNotTold() throws Exception {
    registry.says(401, "{\"error_code\": \"UNAUTHENTICATED\", \"message\": \"no such token\"}");
    RegistryClient known = client.token("s3cret");
    RegistryException refused =
        catchThrowableOfType(RegistryException.class, () -> known.models().get("m"));
    assertThat(registry.asked().get(0).header("Authorization")).isEqualTo("Bearer s3cret");
    assertThat(known + " " + refused).doesNotContain("s3cret");
    assertThatThrownBy(() -> client.token("two words")).hasMessageNotContaining("words");
  }

  @Test
  void aServerThatSaysNothingIsGivenUp() throws Exception {
    // Takes connections, as the backlog does, and never answers.
    try (ServerSocket silent = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      RegistryClient hasty =
          RegistryClient.connect(URI.create("http://127.0.0.1:" + silent.getLocalPort()))
              .timeout(Duration.ofMillis(200))
              .patience(Duration.ofMillis(150))
              .pace(Clock.systemUTC(), pace);
      assertThatThrownBy(() -> hasty.models().create("m"))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("Cannot create model m: http://127.0.0.1:")
          .hasMessageContaining("gave no answer to 2 tries")
          .hasMessageContaining("no byte came or went for 200 ms");
    }
  }

  @Test
  void addressesThatAreNone() {
    for (String wrong : new String[] {"ftp://here", "127.0.0.1:8090", "http://me:pw@there"}) {
      assertThatThrownBy(() -> RegistryClient.connect(URI.create(wrong)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageNotContaining("pw");
    }
  }
}
