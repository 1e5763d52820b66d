package dev.millrace.platform;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;

/**
 * Iceberg's files on a local disk, without Hadoop's file system. Iceberg makes it by name, with no
 * arguments.
 */
public final class LocalFileIO implements FileIO {

  @Override
  public InputFile newInputFile(String location) {
    return org.apache.iceberg.Files.localInput(file(location));
  }

  @Override
  public OutputFile newOutputFile(String location) {
    Path folder = path(location).getParent();
    if (folder != null) {
      try {
        // Iceberg makes it too, but fails where two tasks make one at once.
        Files.createDirectories(folder);
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot make folder " + folder, e);
      }
    }
    return org.apache.iceberg.Files.localOutput(file(location));
  }

  @Override
  public void deleteFile(String location) {
    try {
      Files.deleteIfExists(path(location));
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot delete file " + location, e);
    }
  }

  private static File file(String location) {
    return path(location).toFile();
  }

  private static Path path(String location) {
    return location.startsWith("file:") ? Path.of(URI.create(location)) : Path.of(location);
  }
}
