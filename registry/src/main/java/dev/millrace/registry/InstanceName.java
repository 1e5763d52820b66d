package dev.millrace.registry;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;

/**
 * The name under which Kafka knows a registry again that was killed and comes back. It stays with
 * the folder of the stores, which one process has at a time: two of one name would end each other.
 */
final class InstanceName {

  private static final String FILE = "instance";

  private InstanceName() {}

  /** The name of this folder, made where there is none. */
  static String in(Path state) throws IOException {
    Path file = state.resolve(FILE);
    try {
      String name = Files.readString(file).strip();
      if (!name.isEmpty()) {
        return name;
      }
    } catch (NoSuchFileException e) {
      // The first start.
    }
    Files.createDirectories(state);
    String name = UUID.randomUUID().toString();
    Path part = file.resolveSibling(FILE + ".part");
    Files.writeString(part, name);
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    return name;
  }
}
