package dev.millrace.registry.transfer;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.HexFormat;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.codec.digest.DigestUtils;

/**
 * Writes an export: lines of JSON, packed. The first says what it is, each of the others is an
 * event, the last counts them and has the sha256 of all bytes before it, so that a file that was
 * cut off is known.
 */
final class ExportWriter implements AutoCloseable {

  static final String FORMAT = "millrace-registry-export";
  static final int VERSION = 1;

  private static final JsonMapper JSON = new JsonMapper();

  private final OutputStream out;
  private final MessageDigest digest = DigestUtils.getSha256Digest();
  private long events;

  /**
   * @param out closed with this
   * @param installation whose registry it is
   */
  ExportWriter(OutputStream out, String installation, Instant at) throws IOException {
    this.out = new GZIPOutputStream(out, 1 << 16);
    line(
        JSON.createObjectNode()
            .put("format", FORMAT)
            .put("version", VERSION)
            .put("installation", installation)
            .put("at", at.toString()));
  }

  <E> void event(EventKind<E> kind, E event) throws IOException {
    ObjectNode line = JSON.createObjectNode().put("journal", kind.journal());
    line.setAll(kind.json(event));
    line(line);
    events++;
  }

  /** Writes the last line. */
  void end() throws IOException {
    line(
        JSON.createObjectNode()
            .put("end", true)
            .put("events", events)
            .put("sha256", HexFormat.of().formatHex(digest.digest())));
  }

  private void line(ObjectNode json) throws IOException {
    byte[] bytes = (json + "\n").getBytes(StandardCharsets.UTF_8);
    digest.update(bytes);
    out.write(bytes);
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
