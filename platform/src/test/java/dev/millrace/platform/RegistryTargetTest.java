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

  private final TargetFile file;

  RegistryTargetTest(@TempDir Path folder) {
    file = TargetFile.in(folder);
  }

  @Test
  void anAddressAloneAndOneWithAToken() throws IOException {
    assertThat(file.read("").registry()).isNull();
    assertThat(file.read("registry: http://h:8090/").registry())
        .isEqualTo(RegistryTarget.of("http://h:8090"));
    Target whole =
        file.read("registry: {url: \"https://h:1\", token: \"${env:T}\", ca: /etc/ca.pem}\n");
    assertThat(whole.registry())
        .isEqualTo(new RegistryTarget("https://h:1", "${env:T}", "/etc/ca.pem"));
    whole.write(file.path());
    assertThat(Target.read(file.path())).isEqualTo(whole);
    assertThat(Files.readString(file.path())).contains("${env:T}");
  }

  @Test
  void mistakesAreNamedAndTheTokenIsNot() {
    assertThatThrownBy(() -> file.read("registry: {token: hidden, colour: red, ca: x}"))
        .hasMessageContainingAll("registry.url: required", "registry.colour: unknown key")
        .hasMessageNotContaining("hidden");
    assertThatThrownBy(() -> file.read("registry: h:8090"))
        .hasMessageContaining("registry: 'h:8090' is no address");
    assertThatThrownBy(() -> file.read("registry: {url: \"http://h\", ca: x}"))
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
