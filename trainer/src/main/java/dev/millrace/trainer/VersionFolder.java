package dev.millrace.trainer;

import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The folders {@code <artifacts>/<model>/<first 16 characters of the idempotency key>/}, each
 * complete from the moment it has its name, and never changed after.
 */
final class VersionFolder {

  static final String MODEL = "model.onnx";
  static final String LINEAGE = "lineage.json";
  static final String PROFILE = "profile.json";

  /** What the registry is to be told, so that a trainer that was killed need not train again. */
  static final String CANDIDATE = "candidate.json";

  private static final int NAME_LENGTH = 16;

  private final Path models;

  /**
   * Folders of a model.
   *
   * @param artifacts URI of the folder of all models
   */
  VersionFolder(String artifacts, String model) {
    URI uri = URI.create(artifacts);
    if (!"file".equals(uri.getScheme())) {
      throw TrainingException.ofDefinition(
          "Cannot write artifacts to %s: only folders (file:///…) are built; change artifacts in"
                  .formatted(artifacts)
              + " the target");
    }
    this.models = Path.of(uri).resolve(model);
  }

  /** The folder of a key, there or not. */
  Path folder(String idempotencyKey) {
    String name = idempotencyKey.substring(0, Math.min(NAME_LENGTH, idempotencyKey.length()));
    if (!name.matches("[0-9A-Za-z_-]+")) {
      throw TrainingException.ofData(
          "Cannot write artifacts under key %s: a folder takes letters, digits, - and _"
              .formatted(idempotencyKey));
    }
    return models.resolve(name);
  }

  static String uri(Path folder, String file) {
    return folder.resolve(file).toUri().toString();
  }

  /** What was written under a key. */
  Optional<Path> find(String idempotencyKey) {
    Path folder = folder(idempotencyKey);
    return Files.isDirectory(folder) ? Optional.of(folder) : Optional.empty();
  }

  /**
   * Writes the files of a key. Where its folder is there already that stays as it is: the registry
   * may know its hash.
   */
  Path write(String idempotencyKey, Map<String, byte[]> contents) throws IOException {
    Path folder = folder(idempotencyKey);
    Files.createDirectories(models);
    if (Files.exists(folder)) {
      return folder;
    }
    String prefix = "." + folder.getFileName() + "-";
    deleteCutOff(prefix);
    Path temporary = Files.createTempDirectory(models, prefix);
    for (Map.Entry<String, byte[]> file : contents.entrySet()) {
      Files.write(temporary.resolve(file.getKey()), file.getValue());
    }
    readableByAll(temporary);
    try {
      Files.move(temporary, folder, StandardCopyOption.ATOMIC_MOVE);
    } catch (FileSystemException e) {
      delete(temporary);
      // Where the folder is there now, another trainer was first.
      if (!Files.exists(folder)) {
        throw e;
      }
    }
    return folder;
  }

  /** What a trainer left behind that was killed while it wrote. */
  private void deleteCutOff(String prefix) throws IOException {
    List<Path> cutOff;
    try (Stream<Path> folders = Files.list(models)) {
      cutOff = folders.filter(f -> f.getFileName().toString().startsWith(prefix)).toList();
    }
    for (Path folder : cutOff) {
      delete(folder);
    }
  }

  private static void delete(Path folder) throws IOException {
    List<Path> files;
    try (Stream<Path> list = Files.list(folder)) {
      files = list.toList();
    }
    for (Path file : files) {
      Files.deleteIfExists(file);
    }
    Files.deleteIfExists(folder);
  }

  /** A temporary folder is its owner's alone; jobs may run as another user. */
  private static void readableByAll(Path folder) throws IOException {
    if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
  }
}
