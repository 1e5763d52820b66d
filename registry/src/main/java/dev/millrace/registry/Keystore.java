package dev.millrace.registry;

import dev.millrace.core.definition.Substitution;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Collections;
import java.util.Map;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.ssl.KeyStoreScanner;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/** The server's key and certificate: a PKCS12 or JKS file with one key. */
final class Keystore {

  private static final int LOOK_AGAIN_SECONDS = 10;

  private final Path file;
  private final String password;

  private Keystore(Path file, String password) {
    this.file = file;
    this.password = password;
  }

  /**
   * Opens one, so that what is wrong with it is told before anybody connects.
   *
   * @param password may hold references to the environment and to files
   * @throws IOException where there is no key in it; the password is not in the message
   */
  static Keystore open(Path file, String password, Map<String, String> environment)
      throws IOException {
    if (!Files.isReadable(file)) {
      throw new IOException(
          "Cannot use keystore " + file + ": it cannot be read; correct its path");
    }
    String secret;
    try {
      secret = Substitution.resolved(password, environment);
    } catch (IOException e) {
      throw new IOException("Cannot use keystore " + file + ": " + e.getMessage(), e);
    }
    try {
      KeyStore store = KeyStore.getInstance(file.toFile(), secret.toCharArray());
      for (String alias : Collections.list(store.aliases())) {
        if (store.isKeyEntry(alias)) {
          return new Keystore(file, secret);
        }
      }
    } catch (IOException | GeneralSecurityException | IllegalArgumentException e) {
      throw new IOException(
          "Cannot use keystore "
              + file
              + ": "
              + e.getMessage()
              + "; give a PKCS12 file and its password (--keystore-password)",
          e);
    }
    throw new IOException(
        "Cannot use keystore "
            + file
            + ": it has no key; make one with openssl pkcs12 -export -inkey KEY -in CERTIFICATES");
  }

  /** HTTPS; a certificate that is renewed in the file counts some seconds later. */
  ServerConnector connector(Server server, HttpConfiguration http, Listening listening) {
    SslContextFactory.Server tls = new SslContextFactory.Server();
    tls.setKeyStorePath(file.toAbsolutePath().toString());
    tls.setKeyStorePassword(password);
    KeyStoreScanner scanner = new KeyStoreScanner(tls);
    scanner.setScanInterval(LOOK_AGAIN_SECONDS);
    server.addBean(scanner);
    HttpConfiguration secure = new HttpConfiguration(http);
    // Clients check the name; the server has one certificate, whatever it is called by.
    secure.addCustomizer(new SecureRequestCustomizer(false));
    ServerConnector connector =
        new ServerConnector(
            server, new SslConnectionFactory(tls, "http/1.1"), new HttpConnectionFactory(secure));
    connector.setHost(listening.host());
    connector.setPort(listening.port());
    return connector;
  }

  @Override
  public String toString() {
    return file.toString();
  }
}
