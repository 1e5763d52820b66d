package dev.millrace.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegistryTargetTest {

  private final Path file;

  RegistryTargetTest(@TempDir Path folder) {
    file = folder.resolve("target.yaml");
  }

  private Target read(String registry) throws IOException {
    Files.writeString(
        file,
        """
        kafka: k:1
        schema_registry: http://s
        redis: r:1
        flink: http://f
        warehouse: file:///w
        catalog: jdbc:x
        artifacts: file:///a
        """
            + registry);
    return Target.read(file);
  }

  @Test
  void anAddressAloneAndOneWithAToken() throws IOException {
    assertThat(read("").registry()).isNull();
    assertThat(read("registry: http://h:8090/").registry())
        .isEqualTo(RegistryTarget.of("http://h:8090"));
    Target whole = read("registry: {url: \"https://h:1\", token: \"${env:T}\", ca: /etc/ca.pem}\n");
    assertThat(whole.registry())
        .isEqualTo(new RegistryTarget("https://h:1", "${env:T}", "/etc/ca.pem"));
    whole.write(file);
    assertThat(Target.read(file)).isEqualTo(whole);
    assertThat(Files.readString(file)).contains("${env:T}");
  }

  @Test
  void mistakesAreNamedAndTheTokenIsNot() {
    assertThatThrownBy(() -> read("registry: {token: hidden, colour: red, ca: x}"))
        .hasMessageContainingAll("registry.url: required", "registry.colour: unknown key")
        .hasMessageNotContaining("hidden");
    assertThatThrownBy(() -> read("registry: h:8090"))
        .hasMessageContaining("registry: 'h:8090' is no address");
    assertThatThrownBy(() -> read("registry: {url: \"http://h\", ca: x}"))
        .hasMessageContaining("registry.ca: is of use with https alone");
    assertThat(new RegistryTarget("http://h", "hidden", null)).hasToString("http://h");
  }

  @Test
  void aTokenThatIsNoHeaderIsNotShown() {
    assertThatThrownBy(
            () ->
                new RegistryTarget("http://127.0.0.1:1", "${env:T}", null)
                    .get("/", Duration.ofSeconds(1), Map.of("T", "hid\nden")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("registry.token")
        .hasMessageNotContaining("hid\nden")
        .hasNoCause();
    assertThatThrownBy(
            () ->
                new RegistryTarget("http://127.0.0.1:1", "${env:T}", null)
                    .get("/", Duration.ofSeconds(1), Map.of()))
        .hasMessageContaining("environment variable T is not set");
  }
}
