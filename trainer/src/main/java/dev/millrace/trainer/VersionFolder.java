package dev.millrace.trainer;

import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.function.IntFunction;

/** The folder {@code <artifacts>/<model>/<version>/}, complete from the moment it has its name. */
final class VersionFolder {

  static final String MODEL = "model.onnx";
  static final String LINEAGE = "lineage.json";

  private final Path models;

  /**
   * Folders of a model.
   *
   * @param artifacts URI of the folder of all models
   */
  VersionFolder(String artifacts, String model) {
    URI uri = URI.create(artifacts);
    if (!"file".equals(uri.getScheme())) {
      throw new TrainingException(
          "Cannot write artifacts to %s: only folders (file:///…) are built; change artifacts in"
                  .formatted(artifacts)
              + " the target");
    }
    this.models = Path.of(uri).resolve(model);
  }

  /** A version's folder. */
  record Written(int version, Path folder) {
    String uri(String file) {
      return folder.resolve(file).toUri().toString();
    }
  }

  /**
   * Writes a version under the first free number. A number whose folder is there is taken, even
   * where nobody announced it: another trainer may be about to.
   *
   * @param contents the files of the version that gets the number, by name
   */
  Written write(int firstNumber, IntFunction<Map<String, byte[]>> contents) throws IOException {
    Files.createDirectories(models);
    for (int number = firstNumber; ; number++) {
      Path folder = models.resolve(String.valueOf(number));
      if (Files.exists(folder)) {
        continue;
      }
      Path temporary = Files.createTempDirectory(models, "." + number + "-");
      for (Map.Entry<String, byte[]> file : contents.apply(number).entrySet()) {
        Files.write(temporary.resolve(file.getKey()), file.getValue());
      }
      readableByAll(temporary);
      try {
        Files.move(temporary, folder, StandardCopyOption.ATOMIC_MOVE);
        return new Written(number, folder);
      } catch (FileSystemException e) {
        delete(temporary);
        // Where the folder is there now, another trainer took the number first.
        if (!Files.exists(folder)) {
          throw e;
        }
      }
    }
  }

  /** A temporary folder is its owner's alone; jobs may run as another user. */
  private static void readableByAll(Path folder) throws IOException {
    if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
  }

  private static void delete(Path folder) throws IOException {
    Files.deleteIfExists(folder.resolve(MODEL));
    Files.deleteIfExists(folder.resolve(LINEAGE));
    Files.deleteIfExists(folder);
  }
}
