package dev.millrace.registry.access;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import org.apache.commons.codec.digest.DigestUtils;
import org.jspecify.annotations.Nullable;

/**
 * One line of the file of tokens. The token itself is nowhere: it is 256 random bits, so its plain
 * sha256 tells nothing of it and nobody can try all.
 *
 * @param name of whoever holds it
 * @param sha256 of the token, 64 hex digits
 * @param expires null for never
 */
public record AccessToken(
    String name, String sha256, Role role, Projects projects, @Nullable Instant expires) {

  /** Begins every token, so that scanners for leaked secrets find them. */
  private static final String PREFIX = "mrt_";

  private static final int RANDOM_BYTES = 32;

  /** A new token: what its holder gets to see once. */
  public static String secret(SecureRandom random) {
    byte[] bytes = new byte[RANDOM_BYTES];
    random.nextBytes(bytes);
    return PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  /** What stands in the file for a token. */
  public static String sha256(String secret) {
    return DigestUtils.sha256Hex(secret);
  }

  /** Whether it is this one; takes as long whether or not. */
  boolean isOf(byte[] digest) {
    return MessageDigest.isEqual(HexFormat.of().parseHex(sha256), digest);
  }

  static byte[] digest(String secret) {
    return DigestUtils.sha256(secret.getBytes(StandardCharsets.UTF_8));
  }

  public Caller caller() {
    return new Caller(name, role, projects);
  }
}
