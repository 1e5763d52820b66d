package dev.millrace.cli.local;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Jars in their order. Long ones are given to a JVM in a file: a command line is read by people,
 * and only the first few kilobytes of it by a program that looks for a process.
 */
record ClassPath(List<Path> jars) {
  /** What the build has put into a module's {@code target} folder. */
  static ClassPath ofTarget(Path target) throws IOException {
    Path file = target.resolve("classpath");
    if (!Files.isRegularFile(file)) {
      throw new IOException("Cannot find " + file + ": it was not built; run ./mvnw package");
    }
    List<Path> jars = new ArrayList<>();
    for (String jar : Files.readString(file).strip().split(":", -1)) {
      jars.add(target.resolve(jar));
    }
    return new ClassPath(jars);
  }

  /** Writes a file that {@code java @file} takes its class path from; gives that argument. */
  String argument(Path file) throws IOException {
    String words =
        jars.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
    Files.writeString(file, "-cp \"" + words.replace("\\", "\\\\").replace("\"", "\\\"") + "\"\n");
    return "@" + file;
  }
}
