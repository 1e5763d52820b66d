package dev.millrace.cli.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The checkpoints that Flink keeps of a job. */
public final class Checkpoints {
  private static final Pattern NAME = Pattern.compile("chk-(\\d{1,18})");

  private Checkpoints() {}

  /**
   * The latest completed checkpoint of a job: the highest number whose metadata is written, which
   * happens last.
   *
   * @param checkpoints the folder of all jobs' checkpoints
   * @param jobId in hex
   */
  public static Optional<Path> latest(Path checkpoints, String jobId) throws IOException {
    Path ofJob = checkpoints.resolve(jobId);
    if (!Files.isDirectory(ofJob)) {
      return Optional.empty();
    }
    try (Stream<Path> folders = Files.list(ofJob)) {
      return folders
          .filter(f -> number(f) >= 0)
          .filter(f -> Files.isRegularFile(f.resolve("_metadata")))
          .max(Comparator.comparingLong(Checkpoints::number));
    }
  }

  private static long number(Path folder) {
    var match = NAME.matcher(folder.getFileName().toString());
    return match.matches() ? Long.parseLong(match.group(1)) : -1;
  }
}
