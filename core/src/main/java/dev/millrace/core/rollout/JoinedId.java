package dev.millrace.core.rollout;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** Ids that follow from what they name: sha256 of the parts, joined by U+001F, in hex. */
public final class JoinedId {

  private static final int SHORT_DIGITS = 32;

  /** All 64 digits. */
  public static String of(List<String> parts) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256")
                  .digest(String.join("\u001f", parts).getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Cannot make ids: every Java has SHA-256", e);
    }
  }

  /** The first 32 digits. */
  public static String brief(List<String> parts) {
    return of(parts).substring(0, SHORT_DIGITS);
  }

  private JoinedId() {}
}
