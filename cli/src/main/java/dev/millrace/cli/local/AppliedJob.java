package dev.millrace.cli.local;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A job that should be running: what it takes to submit it again.
 *
 * @param project its project
 * @param job its name, unique in the stack
 * @param jar path of its self-contained jar
 * @param entryClass its main class
 * @param programArgs its arguments
 * @param parallelism of the job
 * @param jobId in hex, as it runs now
 * @param restoredFrom the savepoint or checkpoint it was started from, which counts until it has a
 *     checkpoint of its own; null if it was started without state
 * @param stoppedWith the savepoint that it was stopped with by an apply that has not started it
 *     again yet; null where it should be running
 */
public record AppliedJob(
    @JsonProperty("project") String project,
    @JsonProperty("job") String job,
    @JsonProperty("jar") String jar,
    @JsonProperty("entryClass") String entryClass,
    @JsonProperty("programArgs") List<String> programArgs,
    @JsonProperty("parallelism") int parallelism,
    @JsonProperty("jobId") String jobId,
    @JsonProperty("restoredFrom") @Nullable String restoredFrom,
    @JsonProperty("stoppedWith") @Nullable String stoppedWith) {

  public AppliedJob {
    programArgs = List.copyOf(programArgs);
  }

  /** A job that should be running. */
  public AppliedJob(
      String project,
      String job,
      String jar,
      String entryClass,
      List<String> programArgs,
      int parallelism,
      String jobId,
      @Nullable String restoredFrom) {
    this(project, job, jar, entryClass, programArgs, parallelism, jobId, restoredFrom, null);
  }

  /** The same job while whoever stopped it has something to do before it goes on. */
  public AppliedJob stopped(String savepoint) {
    return new AppliedJob(
        project, job, jar, entryClass, programArgs, parallelism, jobId, restoredFrom, savepoint);
  }

  /** The same job after it was submitted again. */
  public AppliedJob resubmitted(String newJobId, @Nullable String from) {
    return new AppliedJob(project, job, jar, entryClass, programArgs, parallelism, newJobId, from);
  }
}
