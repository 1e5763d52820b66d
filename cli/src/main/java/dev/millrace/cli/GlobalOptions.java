package dev.millrace.cli;

import dev.millrace.platform.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/**
 * The options of every command; a command takes them in as {@code @Mixin GlobalOptions global}.
 * They may stand before the command's name as well as behind it.
 */
public final class GlobalOptions {
  private static final int HIGHEST_OFFSET = 50_000;

  @Option(
      names = "--port-offset",
      paramLabel = "N",
      description = "Adds N to every port of the stack, so that several live side by side.")
  private @Nullable Integer portOffset;

  @Option(
      names = "--dir",
      paramLabel = "D",
      description =
          "The stack's folder; .millrace in the checkout if left out (.millrace-N with"
              + " --port-offset N).")
  private @Nullable Path dir;

  @Option(
      names = "--target",
      paramLabel = "FILE",
      description = "Names the services of a stack that is not the local one.")
  private @Nullable Path target;

  // Only picocli looks at it.
  @SuppressWarnings("UnusedVariable")
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this help.")
  private boolean help;

  /** These options for a command that is put together by hand. */
  static CommandSpec mixin() {
    return CommandSpec.forAnnotatedObject(new GlobalOptions());
  }

  /** The number added to every port. */
  public int portOffset() {
    int offset = portOffset == null ? 0 : portOffset;
    if (offset < 0 || offset > HIGHEST_OFFSET) {
      throw new UserMistake(
          "Cannot use port offset "
              + offset
              + ": it is not between 0 and "
              + HIGHEST_OFFSET
              + "; choose another --port-offset");
    }
    return offset;
  }

  /** The folder of the local stack that this command means. */
  public Path stackDir() {
    if (dir != null) {
      return dir.toAbsolutePath().normalize();
    }
    int offset = portOffset();
    return Checkout.root().resolve(offset == 0 ? ".millrace" : ".millrace-" + offset);
  }

  /**
   * The services this command works with: those of {@code --target}, else of the local stack, else
   * of {@code MILLRACE_TARGET}.
   */
  public Target target() {
    return read(targetFile());
  }

  /** The file that {@link #target()} reads. */
  public Path targetFile() {
    if (target != null) {
      return target.toAbsolutePath().normalize();
    }
    Path local = stackDir().resolve("target.yaml");
    if (Files.exists(local)) {
      return local;
    }
    String named = System.getenv(Target.ENVIRONMENT_VARIABLE);
    // Who names a stack by its folder or ports means that one and no other.
    if (dir == null && portOffset == null && named != null && !named.isEmpty()) {
      return Path.of(named).toAbsolutePath().normalize();
    }
    throw new UserMistake(
        "Cannot find the stack: "
            + local
            + " is not there, and neither --target nor "
            + Target.ENVIRONMENT_VARIABLE
            + " names a target file; start one with ./millrace up");
  }

  /** Takes over what was said before the command's name and not again behind it. */
  void takeMissingFrom(GlobalOptions before) {
    portOffset = portOffset == null ? before.portOffset : portOffset;
    dir = dir == null ? before.dir : dir;
    target = target == null ? before.target : target;
  }

  private static Target read(Path file) {
    try {
      return Target.read(file);
    } catch (NoSuchFileException e) {
      throw new UserMistake(
          "Cannot read target " + file + ": there is no such file; correct --target", e);
    } catch (IOException e) {
      throw new UserMistake(String.valueOf(e.getMessage()), e);
    }
  }
}
