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

/** The part of a target file that says where Redis is. */
class RedisTargetTest {

  private static final String OTHERS =
      """
      kafka: k:9092
      schema_registry: http://s
      flink: http://f
      warehouse: file:///w
      catalog: jdbc:sqlite:c
      artifacts: file:///a
      """;

  @TempDir private Path folder = Path.of("");

  @Test
  void anAddressIsEnough() throws IOException {
    Target target = read("redis: 127.0.0.1:6379");
    assertThat(target.redis()).isEqualTo(RedisTarget.of("127.0.0.1:6379"));
    assertThat(written(target)).contains("redis: 127.0.0.1:6379");
  }

  @Test
  void everythingIsReadAndWrittenAsItWas() throws IOException {
    String all =
        """
        redis:
          address: r1:7000,r2:7000,[::1]:7001
          cluster: true
          tls: true
          user: millrace
          password: ${env:REDIS_PASSWORD}
          ca: /etc/ca.pem
        """;
    Target target = read(all);
    assertThat(target.redis())
        .isEqualTo(
            new RedisTarget(
                "r1:7000,r2:7000,[::1]:7001",
                true,
                true,
                "millrace",
                "${env:REDIS_PASSWORD}",
                "/etc/ca.pem"));
    Path copy = folder.resolve("copy.yaml");
    target.write(copy);
    assertThat(Target.read(copy)).isEqualTo(target);
    assertThat(Files.readString(copy)).contains("${env:REDIS_PASSWORD}");
  }

  @Test
  void referencesAreLookedUpWithTheConnection() throws IOException {
    Path secret = folder.resolve("secret");
    Files.writeString(secret, "s3cret\n");
    RedisTarget target =
        new RedisTarget("${env:HOST}:1", false, false, null, "${file:" + secret + "}", null);
    RedisTarget resolved = target.resolved(Map.of("HOST", "redis.example"));
    assertThat(resolved.address()).isEqualTo("redis.example:1");
    assertThat(resolved.password()).isEqualTo("s3cret");
    assertThatThrownBy(() -> target.resolved(Map.of()))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "Cannot connect to Redis at ${env:HOST}:1: environment variable HOST is not set;"
                + " set it or write the value");
  }

  @Test
  void aPasswordIsShownNowhere() throws IOException {
    Target target = read("redis: {address: 'h:1', user: u, password: s3cret}");
    assertThat(target.toString()).doesNotContain("s3cret").contains("redis=h:1");
    assertThat(target.redis().toString()).isEqualTo("h:1");
    assertThatThrownBy(
            () ->
                read(
                    """
                    redis: {address: 'h', password: s3cret, passwort: s3cret, cluster: s3cret2}
                    """))
        .hasMessageContaining("redis.passwort: unknown key")
        .hasMessageContaining("redis.cluster: is 's3cret2'")
        .satisfies(
            e ->
                assertThat(String.valueOf(e.getMessage()).replace("s3cret2", ""))
                    .doesNotContain("s3cret"));
  }

  @Test
  void allMistakesComeAtOnce() {
    assertThatThrownBy(() -> read("redis: {address: 'a:1,b', user: u, ca: /c, port: 1}"))
        .hasMessageContaining("redis.port: unknown key")
        .hasMessageContaining("'b' is no address; write host:port")
        .hasMessageContaining("several servers are a cluster's")
        .hasMessageContaining("redis.user: has no password")
        .hasMessageContaining("redis.ca: is of use with TLS alone");
    assertThatThrownBy(() -> read("")).hasMessageContaining("redis: required, not set");
    assertThatThrownBy(() -> read("redis: redis.example"))
        .hasMessageContaining("redis: 'redis.example' is no address; write host:port");
  }

  @Test
  void aServerThatIsNotThereIsNamedAndTheSecretIsNot() throws IOException {
    RedisTarget target = new RedisTarget("127.0.0.1:1", true, false, null, "s3cret", null);
    assertThatThrownBy(() -> RedisClients.open(target, Duration.ofSeconds(1)).close())
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("Cannot connect to Redis at 127.0.0.1:1: ")
        .hasMessageNotContaining("s3cret");
  }

  private Target read(String redis) throws IOException {
    Path file = folder.resolve("target.yaml");
    Files.writeString(file, OTHERS + redis + "\n");
    return Target.read(file);
  }

  private String written(Target target) throws IOException {
    Path file = folder.resolve("written.yaml");
    target.write(file);
    return Files.readString(file);
  }
}
