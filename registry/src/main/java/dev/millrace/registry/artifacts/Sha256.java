package dev.millrace.registry.artifacts;

import dev.millrace.registry.artifacts.ArtifactStore.OtherBytesException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** The sha256 of what is being taken. */
final class Sha256 {

  /** Nothing yet. */
  static MessageDigest begin() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Cannot check artifacts: every Java has SHA-256", e);
    }
  }

  /** Of all that came, in hex, where it is what was promised. */
  static String end(MessageDigest digest, @Nullable String promised) throws OtherBytesException {
    String found = HexFormat.of().formatHex(digest.digest());
    if (promised != null && !promised.equalsIgnoreCase(found)) {
      throw new OtherBytesException(promised, found);
    }
    return found;
  }

  private Sha256() {}
}
