package dev.millrace.registry.artifacts;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URL;
import java.util.List;

/**
 * Uploads whose parts a client sends to the store itself. The file is there once the upload is
 * completed; the registry sees none of its bytes.
 */
public interface PartedUploads {

  /** More than this no store takes. */
  int PARTS_MAX = 10_000;

  /**
   * An upload that has begun.
   *
   * @param parts where each part is put to, the first first; whoever has the address may do so
   */
  record Begun(String id, List<URL> parts) {}

  /**
   * A part that was put.
   *
   * @param number from 1
   * @param etag what the store answered
   */
  record Part(int number, String etag) {}

  Begun begin(ArtifactPath path, int parts) throws IOException;

  /**
   * Makes the file of its parts, and replaces the one that was there.
   *
   * @throws FileNotFoundException where there is no such upload
   * @throws IllegalArgumentException where the parts are not those that were put
   */
  void complete(ArtifactPath path, String id, List<Part> parts) throws IOException;

  /**
   * Gives it up, with all parts.
   *
   * @throws FileNotFoundException where there is no such upload
   */
  void abort(ArtifactPath path, String id) throws IOException;
}
