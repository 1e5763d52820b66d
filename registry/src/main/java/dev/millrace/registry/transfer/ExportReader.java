package dev.millrace.registry.transfer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.apache.commons.codec.digest.DigestUtils;
import org.jspecify.annotations.Nullable;

/** Reads what {@link ExportWriter} wrote, a line at a time, and says where something is wrong. */
final class ExportReader implements AutoCloseable {

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build();
  private static final int BUFFER_BYTES = 1 << 16;

  private final InputStream in;
  private final TransferLimits limits;
  private final MessageDigest digest = DigestUtils.getSha256Digest();
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private long line;
  private long read;

  /**
   * Reads the first line.
   *
   * @param packed closed with this
   * @throws BadExportException where it is no export, here and later
   */
  ExportReader(InputStream packed, TransferLimits limits) throws IOException {
    this.limits = limits;
    try {
      this.in = new BufferedInputStream(new GZIPInputStream(packed, BUFFER_BYTES), BUFFER_BYTES);
    } catch (ZipException | EOFException e) {
      packed.close();
      throw new BadExportException("it is no gzip file; send what GET /v1/export gave, as it is");
    }
    try {
      header(object());
    } catch (IOException | RuntimeException e) {
      in.close();
      throw e;
    }
  }

  private void header(ObjectNode header) {
    if (!header.path("format").asText().equals(ExportWriter.FORMAT)) {
      throw BadExportException.at(
          line, "this is no export of a registry; make one with GET /v1/export");
    }
    JsonNode version = header.path("version");
    if (!version.isInt() || version.intValue() != ExportWriter.VERSION) {
      throw BadExportException.at(
          line,
          "the export has format version %s, and this registry reads %d; import it with the build that made it"
              .formatted(version, ExportWriter.VERSION));
    }
  }

  /** Of the line that was read last. */
  long line() {
    return line;
  }

  /** The next event; null behind the last one, when the file is known to be whole. */
  @Nullable ObjectNode next() throws IOException {
    byte[] before = state();
    ObjectNode object = object();
    if (!object.path("end").isBoolean()) {
      return object;
    }
    long events = line - 2;
    if (object.path("events").asLong(-1) != events) {
      throw BadExportException.at(
          line, "%d events are before it, not %s".formatted(events, object.path("events")));
    }
    if (!object.path("sha256").asText().equals(HexFormat.of().formatHex(before))) {
      throw BadExportException.at(
          line, "the bytes before it do not have its sha256: the file was changed");
    }
    if (fill()) {
      throw BadExportException.at(line, "the export ends before it");
    }
    return null;
  }

  /** The digest of all lines so far. */
  private byte[] state() {
    try {
      return ((MessageDigest) digest.clone()).digest();
    } catch (CloneNotSupportedException e) {
      throw new IllegalStateException("Cannot look at a digest: Java's sha256 can be copied", e);
    }
  }

  private ObjectNode object() throws IOException {
    if (!fill()) {
      throw BadExportException.at(
          line, "the file ends before its last line: it was cut off; export it again");
    }
    byte[] text = bytes.toByteArray();
    digest.update(text);
    try {
      if (JSON.readTree(text) instanceof ObjectNode object) {
        return object;
      }
    } catch (JsonProcessingException e) {
      throw BadExportException.at(line, "it is no JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw BadExportException.at(line, "it is no text in UTF-8: " + e.getMessage());
    }
    throw BadExportException.at(line, "it is no JSON object");
  }

  /** Takes the next line, its end included; false where there is none. */
  private boolean fill() throws IOException {
    bytes.reset();
    line++;
    try {
      int next;
      while ((next = in.read()) >= 0) {
        bytes.write(next);
        if (++read > limits.textBytes()) {
          throw BadExportException.at(
              line, "the file has more than %d bytes unpacked".formatted(limits.textBytes()));
        }
        if (next == '\n') {
          return true;
        }
        if (bytes.size() > limits.lineBytes()) {
          throw BadExportException.at(
              line, "it has more than %d bytes".formatted(limits.lineBytes()));
        }
      }
    } catch (EOFException e) {
      throw BadExportException.at(line, "the file was cut off here; export it again");
    } catch (ZipException e) {
      throw BadExportException.at(line, "the file is damaged here: " + e.getMessage());
    }
    if (bytes.size() > 0) {
      throw BadExportException.at(line, "the file was cut off here; export it again");
    }
    return false;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
