package dev.millrace.registry.artifacts;

import dev.millrace.registry.artifacts.ArtifactStore.TooLargeException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;

/**
 * Cuts a stream of unknown length into parts, each a file of this machine while it is sent on: so
 * an upload takes next to no memory, and a part can be sent again.
 */
final class Spool implements AutoCloseable {

  private static final int BUFFER_BYTES = 64 * 1024;

  private final Path file;
  private final InputStream in;
  private final long partBytes;
  private final long maxBytes;
  private final MessageDigest digest = Sha256.begin();
  private long read;

  /**
   * @param folder in which the file lies
   */
  Spool(Path folder, InputStream in, long partBytes, long maxBytes) throws IOException {
    this.file = Files.createTempFile(folder, "part-", "");
    this.in = in;
    this.partBytes = partBytes;
    this.maxBytes = maxBytes;
  }

  /** The part that was read last. */
  Path file() {
    return file;
  }

  /** Of all parts that were read. */
  MessageDigest digest() {
    return digest;
  }

  /**
   * Reads the next part, in the place of the one before.
   *
   * @return how many bytes it has: less than asked for where it is the last, none where that was
   *     read already
   */
  long next() throws IOException {
    byte[] buffer = new byte[BUFFER_BYTES];
    long bytes = 0;
    try (OutputStream out = Files.newOutputStream(file)) {
      while (bytes < partBytes) {
        int came = in.read(buffer, 0, (int) Math.min(buffer.length, partBytes - bytes));
        if (came < 0) {
          break;
        }
        bytes += came;
        read += came;
        if (read > maxBytes) {
          throw new TooLargeException(maxBytes);
        }
        digest.update(buffer, 0, came);
        out.write(buffer, 0, came);
      }
    }
    return bytes;
  }

  @Override
  public void close() throws IOException {
    Files.deleteIfExists(file);
  }
}
