package dev.millrace.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A PKCS #12 store in a file, written by the JDK's own keytool. */
public final class KeyStoreFile {

  private final Path store;
  private final String password;

  /** The file need not be there. */
  public KeyStoreFile(Path store, String password) {
    this.store = store;
    this.password = password;
  }

  public Path path() {
    return store;
  }

  /**
   * Makes a key, and a certificate that it signs itself.
   *
   * @param names such as {@code ip:127.0.0.1,dns:localhost}
   */
  public void makeKey(String alias, String names) throws IOException, InterruptedException {
    keytool(
        "-genkeypair",
        "-alias",
        alias,
        "-keyalg",
        "EC",
        "-dname",
        "CN=" + alias,
        "-ext",
        "SAN=" + names,
        "-validity",
        "2");
  }

  /** Writes the certificate of a key. */
  public void exportCertificate(String alias, Path pem) throws IOException, InterruptedException {
    keytool("-exportcert", "-rfc", "-alias", alias, "-file", pem.toString());
  }

  /** Takes in the certificate of another key. */
  public void importCertificate(String alias, Path pem) throws IOException, InterruptedException {
    keytool("-importcert", "-noprompt", "-alias", alias, "-file", pem.toString());
  }

  private void keytool(String... words) throws IOException, InterruptedException {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    line.add("-J-Duser.language=en");
    line.addAll(Arrays.asList(words));
    line.addAll(
        List.of("-storetype", "PKCS12", "-keystore", store.toString(), "-storepass", password));
    Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new AssertionError("keytool " + words[0] + " failed: " + said);
    }
  }
}
