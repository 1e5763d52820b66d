package dev.millrace.registry.artifacts;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where artifacts are. A file is there whole or not at all, and whoever reads it gets all of one
 * upload. Nothing outside of the place is read or written, whatever a path says.
 */
public interface ArtifactStore extends AutoCloseable {

  /** What is in a folder. */
  record Entry(String name, boolean folder, long bytes) {}

  /**
   * A file that is being read.
   *
   * @param bytes how many will come
   * @param sha256 what is known of it, in hex
   */
  record Opened(InputStream in, long bytes, Optional<String> sha256) {}

  /** More bytes than are taken. */
  final class TooLargeException extends IOException {
    private static final long serialVersionUID = 1;

    TooLargeException(long max) {
      super("it has more than " + max + " bytes");
    }
  }

  /** Other bytes than were promised. */
  final class OtherBytesException extends IOException {
    private static final long serialVersionUID = 1;

    OtherBytesException(String promised, String found) {
      super("its sha256 is " + found + ", promised was " + promised);
    }
  }

  /**
   * Takes a file, and replaces the one that was there.
   *
   * @param promised its sha256 in hex; null where nobody promised one
   * @return its sha256
   * @throws TooLargeException where it has more than {@code maxBytes}
   * @throws OtherBytesException where it is not what was promised
   */
  String put(ArtifactPath path, InputStream bytes, long maxBytes, @Nullable String promised)
      throws IOException;

  /**
   * Opens a file.
   *
   * @throws FileNotFoundException where there is none
   */
  Opened open(ArtifactPath path) throws IOException;

  /** What is in a folder, by name; of a folder that is not there, nothing. */
  List<Entry> list(ArtifactPath path) throws IOException;

  /** Removes a file, or a folder with all that is in it; what is not there is gone already. */
  void delete(ArtifactPath path) throws IOException;

  /** Uploads past the registry, where the store takes them. */
  default Optional<PartedUploads> parted() {
    return Optional.empty();
  }

  @Override
  default void close() {}
}
