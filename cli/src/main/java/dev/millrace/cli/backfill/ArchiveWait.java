package dev.millrace.cli.backfill;

import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.apply.ProjectJobs;
import dev.millrace.cli.local.FlinkRest;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Waits until a project's archive has every event that its feature pipeline had read when the wait
 * began. The archive grows with checkpoints: the first that completes may have begun before, the
 * second holds all of it, and when the third is complete the second's files are in the table.
 */
final class ArchiveWait {

  private static final int CHECKPOINTS = 3;
  private static final Duration PATIENCE = Duration.ofMinutes(10);
  private static final long POLL_NANOS = 200_000_000;

  static void until(FlinkRest flink, String project, Consumer<String> progress) throws IOException {
    Optional<FlinkRest.JobOverview> job =
        flink.liveJob(ProjectJobs.FEATURE_PIPELINE.jobName(project));
    if (job.isEmpty()) {
      progress.accept("the feature pipeline does not run, so the archive is what it is");
      return;
    }
    String id = job.get().id();
    long enough = flink.checkpoints(id).completed() + CHECKPOINTS;
    progress.accept("waits for three checkpoints, so that the archive has all that was read");
    long startNanos = System.nanoTime();
    while (flink.checkpoints(id).completed() < enough) {
      if (System.nanoTime() - startNanos > PATIENCE.toNanos()) {
        throw new CommandFailed(
            "Cannot backfill to Redis: the feature pipeline completes no checkpoints; see the Flink web UI");
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  private ArchiveWait() {}
}
