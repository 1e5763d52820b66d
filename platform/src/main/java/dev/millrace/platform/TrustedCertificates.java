package dev.millrace.platform;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;

/** The authorities of a PEM file, as Java's TLS takes them. */
final class TrustedCertificates {

  /**
   * Reads them.
   *
   * @param key of the target file that names the file, for the message
   */
  static KeyStore read(Path pem, String key) throws IOException {
    try (InputStream in = Files.newInputStream(pem)) {
      KeyStore trusted = KeyStore.getInstance("PKCS12");
      trusted.load(null, null);
      int number = 0;
      for (Certificate certificate :
          CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        trusted.setCertificateEntry("ca" + number, certificate);
        number++;
      }
      return trusted;
    } catch (IOException | GeneralSecurityException e) {
      throw new IOException(
          "cannot read certificates from "
              + key
              + " "
              + pem
              + ": "
              + e.getMessage()
              + "; name a PEM file of this machine",
          e);
    }
  }

  private TrustedCertificates() {}
}
