package dev.millrace.registry;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.codec.digest.DigestUtils;

/** Reads what is in an export, and makes files that a registry did not write. */
final class ExportBytes {

  static String unpacked(byte[] file) throws IOException {
    return new String(
        new GZIPInputStream(new ByteArrayInputStream(file)).readAllBytes(), StandardCharsets.UTF_8);
  }

  static byte[] packed(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }

  /** The lines of events. */
  static List<String> events(byte[] file) throws IOException {
    List<String> lines = unpacked(file).lines().toList();
    return lines.subList(1, lines.size() - 1);
  }

  /** A file of these lines, with a last line that says so. */
  static byte[] sealed(List<String> lines) throws IOException {
    String text = lines.stream().map(line -> line + "\n").collect(Collectors.joining());
    return packed(
        text
            + "{\"end\":true,\"events\":%d,\"sha256\":\"%s\"}\n"
                .formatted(lines.size() - 1, DigestUtils.sha256Hex(text)));
  }

  private ExportBytes() {}
}
