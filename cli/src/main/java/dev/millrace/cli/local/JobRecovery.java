package dev.millrace.cli.local;

import dev.millrace.cli.local.FlinkRest.JobOverview;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings the applied jobs back after the JobManager has died: a standalone one forgets its jobs,
 * their checkpoints stay.
 */
final class JobRecovery {
  private static final Logger LOG = LoggerFactory.getLogger(JobRecovery.class);

  private final AppliedJobs applied;
  private final Path checkpoints;
  private final FlinkRest flink;

  JobRecovery(AppliedJobs applied, Path checkpoints, FlinkRest flink) {
    this.applied = applied;
    this.checkpoints = checkpoints;
    this.flink = flink;
  }

  /** Submits every applied job that is not there; gives what could not be done. */
  List<String> submitMissing() throws IOException {
    List<String> problems = new ArrayList<>();
    for (AppliedJob job : applied.list()) {
      try {
        if (job.stoppedWith() != null) {
          // Its definitions may be half way from one to the next; apply knows.
          LOG.info("Job {} was stopped by an apply, which has to be run again", job.job());
        } else if (!isThere(job)) {
          submit(job);
        }
      } catch (IOException e) {
        LOG.warn("Cannot bring job {} back", job.job(), e);
        problems.add("Cannot bring job " + job.job() + " back: " + e.getMessage());
      }
    }
    return problems;
  }

  private boolean isThere(AppliedJob job) throws IOException {
    for (JobOverview there : flink.jobs()) {
      if (!there.isTerminal()
          && (there.id().equals(job.jobId()) || there.name().equals(job.job()))) {
        return true;
      }
    }
    return false;
  }

  private void submit(AppliedJob job) throws IOException {
    String from = startingPoint(checkpoints, job);
    String jarId = flink.upload(Path.of(job.jar()));
    // The same id again, so that its checkpoints go on being numbered in the same folder.
    String id =
        flink.run(
            new FlinkRest.Run(
                jarId,
                job.entryClass(),
                job.programArgs(),
                job.parallelism(),
                from,
                // What a savepoint holds of views that are no more was let go by the apply.
                Objects.equals(from, job.restoredFrom()),
                job.jobId(),
                // What the dead job owned, this one owns; a savepoint stays its maker's.
                !Objects.equals(from, job.restoredFrom())));
    LOG.info("Job {} is back from {} as {}", job.job(), from == null ? "no state" : from, id);
    applied.write(job.resubmitted(id, from));
  }

  /** The state that is newest; null if there never was any. */
  static @Nullable String startingPoint(Path checkpoints, AppliedJob job) throws IOException {
    Optional<Path> latest = Checkpoints.latest(checkpoints, job.jobId());
    if (latest.isPresent()) {
      return StackLayout.uri(latest.get());
    }
    String from = job.restoredFrom();
    if (from != null
        && from.startsWith("file:")
        && !Files.exists(Path.of(java.net.URI.create(from)))) {
      throw new IOException(
          "its state "
              + from
              + " is gone; apply the project again, saying that state may be dropped");
    }
    return from;
  }
}
