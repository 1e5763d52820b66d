package dev.millrace.cli.local;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The jobs of a stack that {@code apply} has started, one file each: the JobManager forgets them
 * when it dies, this folder does not.
 */
public final class AppliedJobs {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]*");

  private final Path folder;

  public AppliedJobs(Path folder) {
    this.folder = folder;
  }

  /** Of the stack that lies in {@code stackDir}. */
  public static AppliedJobs ofStack(Path stackDir) {
    return new AppliedJobs(new StackLayout(stackDir).applied());
  }

  /** All records, by name. */
  public List<AppliedJob> list() throws IOException {
    List<AppliedJob> jobs = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (Stream<Path> files = Files.list(folder)) {
        for (Path file :
            files.filter(f -> f.getFileName().toString().endsWith(".json")).sorted().toList()) {
          jobs.add(read(file));
        }
      }
    }
    return jobs;
  }

  public Optional<AppliedJob> find(String job) throws IOException {
    try {
      return Optional.of(read(file(job)));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  /** Records that this job should be running. */
  public void write(AppliedJob job) throws IOException {
    Files.createDirectories(folder);
    Path file = file(job.job());
    Path part = file.resolveSibling(file.getFileName() + ".part");
    Files.write(part, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(job));
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Records that this job should not be running. */
  public void remove(String job) throws IOException {
    Files.deleteIfExists(file(job));
  }

  private Path file(String job) {
    if (!NAME.matcher(job).matches()) {
      throw new IllegalArgumentException(
          "Cannot record job " + job + ": its name is not " + NAME.pattern());
    }
    return folder.resolve(job + ".json");
  }

  private static AppliedJob read(Path file) throws IOException {
    try {
      return JSON.readValue(Files.readString(file), AppliedJob.class);
    } catch (JsonProcessingException e) {
      throw new IOException(
          "Cannot read applied job " + file + ": " + e.getOriginalMessage() + "; apply again", e);
    }
  }
}
