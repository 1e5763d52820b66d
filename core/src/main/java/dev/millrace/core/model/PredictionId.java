package dev.millrace.core.model;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The identity of a prediction: an event that is scored again, by whatever version, gets the same.
 *
 * <p>One instance serves one thread and one model.
 */
public final class PredictionId {

  private static final char SEPARATOR = '\u001f';
  private static final int DIGEST_BYTES = 16;
  private static final HexFormat HEX = HexFormat.of();

  private final byte[] prefix;
  private final MessageDigest sha256;

  public PredictionId(String project, String model) {
    this.prefix = (project + SEPARATOR + model + SEPARATOR).getBytes(StandardCharsets.UTF_8);
    try {
      this.sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Cannot name predictions: every Java has SHA-256", e);
    }
  }

  /**
   * The first 32 hex digits of sha256 over project, model and event id, joined by U+001F, in UTF-8.
   */
  public String of(String eventId) {
    sha256.update(prefix);
    byte[] digest = sha256.digest(eventId.getBytes(StandardCharsets.UTF_8));
    return HEX.formatHex(digest, 0, DIGEST_BYTES);
  }

  /** The same for a single event. */
  public static String of(String project, String model, String eventId) {
    return new PredictionId(project, model).of(eventId);
  }
}
