package dev.millrace.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Where this program was built: the folder that holds {@code ./millrace}. */
public final class Checkout {
  private static final String PROPERTY = "millrace.home";

  private Checkout() {}

  /** The checkout's root, as {@code ./millrace} says, else the nearest one above this folder. */
  public static Path root() {
    String said = System.getProperty(PROPERTY);
    if (said != null) {
      return Path.of(said).toAbsolutePath().normalize();
    }
    Path here = Path.of("").toAbsolutePath();
    for (@Nullable Path at = here; at != null; at = at.getParent()) {
      if (Files.isRegularFile(at.resolve("mvnw")) && Files.isDirectory(at.resolve("flink-conf"))) {
        return at;
      }
    }
    throw new UserMistake(
        "Cannot find the checkout: no folder above " + here + " is one; start through ./millrace");
  }
}
