package dev.millrace.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.platform.RegistryTarget;
import dev.millrace.registry.access.Projects;
import dev.millrace.registry.access.Role;
import dev.millrace.testing.KeyStoreFile;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** TLS with a key that the JDK's own tool made, and clients that check it. */
class KeystoreTest {

  private static final String PASSWORD = "not-to-be-seen";
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final Path folder;
  private final KeyStoreFile store;

  KeystoreTest(@TempDir Path folder) throws Exception {
    this.folder = folder;
    this.store = new KeyStoreFile(folder.resolve("key.p12"), PASSWORD);
    store.makeKey("registry", "ip:127.0.0.1,dns:localhost");
  }

  private Path certificate() throws Exception {
    Path pem = folder.resolve("ca.pem");
    store.exportCertificate("registry", pem);
    return pem;
  }

  @Test
  void ourClientTrustsWhatTheTargetSays() throws Exception {
    Path password = Files.writeString(folder.resolve("password"), PASSWORD + "\n");
    Keystore keystore = Keystore.open(store.path(), "${file:" + password + "}", Map.of());
    try (GuardedRegistry registry = new GuardedRegistry(folder, keystore)) {
      registry.add("cli", Role.READER, Projects.ALL);
      Path secret = Files.writeString(folder.resolve("token"), GuardedRegistry.secret("cli"));
      RegistryTarget target =
          new RegistryTarget(registry.url(), "${file:" + secret + "}", certificate().toString());
      assertThat(target.url()).startsWith("https://");
      HttpResponse<String> answer = target.get("/v1/models", PATIENCE);
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.body()).isEqualTo("{\"models\":[]}");
      assertThat(
              new RegistryTarget(registry.url(), null, target.ca())
                  .get("/v1/models", PATIENCE)
                  .statusCode())
          .isEqualTo(401);
      assertThatThrownBy(() -> RegistryTarget.of(registry.url()).get("/v1/models", PATIENCE))
          .isInstanceOf(SSLHandshakeException.class);
      RegistryTarget plain = RegistryTarget.of(registry.url().replace("https:", "http:"));
      assertThat(answersPlainly(plain)).isFalse();
    }
  }

  private static boolean answersPlainly(RegistryTarget target) throws InterruptedException {
    try {
      return target.get("/v1/health", PATIENCE).statusCode() == 200;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void theLimitsCountBehindTlsToo() throws Exception {
    try (GuardedRegistry registry =
        new GuardedRegistry(folder, Keystore.open(store.path(), PASSWORD, Map.of()))) {
      RegistryTarget target =
          new RegistryTarget(registry.url(), "x".repeat(20_000), certificate().toString());
      HttpResponse<String> answer = target.get("/v1/models", PATIENCE);
      assertThat(answer.statusCode()).isEqualTo(431);
      assertThat(answer.headers().firstValue("Server")).isEmpty();
    }
  }

  @Test
  void whatIsWrongIsSaidWithoutThePassword() {
    assertThatThrownBy(() -> Keystore.open(store.path(), "wrong-one", Map.of()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("Cannot use keystore " + store.path())
        .hasMessageContaining("--keystore-password")
        .hasMessageNotContaining("wrong-one");
    assertThatThrownBy(() -> Keystore.open(folder.resolve("none"), PASSWORD, Map.of()))
        .hasMessageContaining("it cannot be read")
        .hasMessageNotContaining(PASSWORD);
    assertThatThrownBy(() -> Keystore.open(store.path(), "${env:NOT_THERE}", Map.of()))
        .hasMessageContaining("environment variable NOT_THERE is not set");
  }

  @Test
  void aStoreOfCertificatesHasNoKey() throws Exception {
    Path pem = certificate();
    Files.delete(store.path());
    store.importCertificate("ca", pem);
    assertThatThrownBy(() -> Keystore.open(store.path(), PASSWORD, Map.of()))
        .hasMessageContaining("it has no key");
  }
}
