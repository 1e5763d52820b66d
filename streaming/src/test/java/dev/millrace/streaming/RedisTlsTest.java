package dev.millrace.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.platform.RedisTarget;
import dev.millrace.testing.KeyStoreFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows over TLS, to a server whose certificate a test's own authority signed. */
class RedisTlsTest {

  private static final char[] PASSWORD = "changeit".toCharArray();

  @TempDir private Path folder = Path.of("");

  @Test
  void writesOverTlsToAServerThatItTrustsAndToNoOther() throws Exception {
    certificate("server", "ip:127.0.0.1");
    certificate("stranger", "ip:127.0.0.1");
    certificate("elsewhere", "dns:redis.example");
    int tlsPort = RealRedis.freePort();
    int elsewherePort = RealRedis.freePort();
    try (RealRedis unusedServer = redis("server", tlsPort);
        RealRedis unusedElsewhere = redis("elsewhere", elsewherePort)) {
      assertThat(reason(tlsPort, true, "server")).isNull();
      assertThat(reason(tlsPort, true, "stranger")).contains("certification path");
      assertThat(reason(tlsPort, true, null)).contains("certification path");
      assertThat(reason(tlsPort, false, null)).isNotNull();
      // Signed by whom it trusts, but for another name.
      assertThat(reason(elsewherePort, true, "elsewhere")).contains("127.0.0.1");
    }
    assertThat(reason(tlsPort, true, "missing"))
        .contains("cannot read certificates from redis.ca")
        .contains("missing.pem");
  }

  private RealRedis redis(String certificate, int tlsPort) {
    return new RealRedis(
        "tls-port " + tlsPort,
        "tls-cert-file " + folder.resolve(certificate + ".pem"),
        "tls-key-file " + folder.resolve(certificate + ".key"),
        "tls-ca-cert-file " + folder.resolve(certificate + ".pem"),
        "tls-auth-clients no");
  }

  private @Nullable String reason(int port, boolean tls, @Nullable String ca) throws IOException {
    String pem = ca == null ? null : folder.resolve(ca + ".pem").toString();
    RedisTarget target = new RedisTarget("127.0.0.1:" + port, false, tls, null, null, pem);
    try (JedisRowStore store =
        new JedisRowStore(target, RedisRows.guard(), new UnregisteredMetricsGroup())) {
      return store.write(List.of(RedisRows.row("a", 1))).reason();
    }
  }

  /** A key and a certificate that it signed itself, as Redis reads them. */
  private void certificate(String name, String subject) throws Exception {
    Path store = folder.resolve(name + ".p12");
    new KeyStoreFile(store, new String(PASSWORD)).makeKey(name, subject);
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, PASSWORD);
    }
    Key key = keys.getKey(name, PASSWORD);
    Files.writeString(folder.resolve(name + ".key"), pem("PRIVATE KEY", key.getEncoded()));
    Files.writeString(
        folder.resolve(name + ".pem"), pem("CERTIFICATE", keys.getCertificate(name).getEncoded()));
  }

  private static String pem(String what, byte[] bytes) {
    return "-----BEGIN "
        + what
        + "-----\n"
        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes)
        + "\n-----END "
        + what
        + "-----\n";
  }
}
