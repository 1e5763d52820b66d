package dev.millrace.cli.apply;

import dev.millrace.cli.Checkout;
import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.local.AppliedJob;
import dev.millrace.cli.local.AppliedJobs;
import dev.millrace.cli.local.FlinkRest;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The Flink jobs of one project in one stack: which there are, and how they are started. */
public final class ProjectJobs {

  private static final Duration SAVEPOINT_PATIENCE = Duration.ofMinutes(3);
  private static final Duration START_PATIENCE = Duration.ofMinutes(2);
  private static final long POLL_NANOS = 200_000_000;

  private final FlinkRest flink;
  private final AppliedJobs applied;
  private final Consumer<String> progress;

  /**
   * The jobs of a stack.
   *
   * @param applied where the stack's supervisor finds what to start again
   * @param progress takes one line a step
   */
  public ProjectJobs(FlinkRest flink, AppliedJobs applied, Consumer<String> progress) {
    this.flink = flink;
    this.applied = applied;
    this.progress = progress;
  }

  /**
   * One of the four jobs.
   *
   * @param parallelism how many subtasks it has where nobody says otherwise
   */
  public record Kind(String stage, String folder, String entryClass, int parallelism) {
    public String jobName(String project) {
      return "millrace-" + project + "-" + stage;
    }
  }

  public static final Kind FEATURE_PIPELINE =
      new Kind(
          "feature-pipeline",
          "jobs/feature-pipeline",
          "dev.millrace.pipeline.FeaturePipelineJob",
          2);
  public static final Kind INFERENCE =
      new Kind("inference", "jobs/inference", "dev.millrace.inference.InferenceJob", 2);
  public static final Kind DRIFT_DETECTOR =
      new Kind("drift-detector", "jobs/drift-detector", "dev.millrace.drift.DriftDetectorJob", 2);

  /** A few records an hour of event time. */
  public static final Kind RETRAIN_TRIGGER =
      new Kind(
          "retrain-trigger", "jobs/retrain-trigger", "dev.millrace.retrain.RetrainTriggerJob", 1);

  /** The jobs that a project needs, each after those whose topics it reads. */
  public static List<Kind> kinds(Project project) {
    List<Kind> kinds = new ArrayList<>();
    // Flink refuses a job without operators.
    if (!project.featureViews().isEmpty()
        || project.models().isEmpty()
        || project.sources().stream().anyMatch(Source::archive)) {
      kinds.add(FEATURE_PIPELINE);
    }
    if (!project.models().isEmpty()) {
      kinds.addAll(List.of(INFERENCE, DRIFT_DETECTOR, RETRAIN_TRIGGER));
    }
    return List.copyOf(kinds);
  }

  /** Whether a job of the project runs under this name. */
  public Optional<FlinkRest.JobOverview> live(Kind kind, String project) throws IOException {
    return flink.liveJob(kind.jobName(project));
  }

  /**
   * A job that is to be started.
   *
   * @param from the state that it goes on from; null for none
   * @param letsGo whether that may hold state of views that are no more
   */
  public record Start(Kind kind, int parallelism, @Nullable String from, boolean letsGo) {
    Start goingOnFrom(@Nullable String savepoint) {
      return new Start(kind, parallelism, savepoint, letsGo);
    }

    Start lettingGo() {
      return new Start(kind, parallelism, from, true);
    }
  }

  /**
   * Stops what has to be started anew, each with a savepoint: jobs that run where {@code upgrade}
   * is set or their parallelism changes. What an interrupted apply stopped goes on from there.
   *
   * @param parallelism of all that have more than one subtask; null for what each had
   * @return what has to be started
   */
  public List<Start> stop(Project project, boolean upgrade, @Nullable Integer parallelism)
      throws IOException {
    List<Start> starts = new ArrayList<>();
    for (Kind kind : kinds(project)) {
      String name = kind.jobName(project.name());
      Optional<FlinkRest.JobOverview> running = live(kind, project.name());
      Optional<AppliedJob> record = applied.find(name);
      int before = record.map(AppliedJob::parallelism).orElse(kind.parallelism());
      int after = parallelism == null ? before : kind.parallelism() == 1 ? 1 : parallelism;
      if (running.isPresent() && !upgrade && after == before) {
        progress.accept(kind.stage() + ": runs already, job " + running.get().id());
        continue;
      }
      String savepoint = record.map(AppliedJob::stoppedWith).orElse(null);
      if (running.isPresent()) {
        progress.accept(kind.stage() + ": stopping with a savepoint");
        savepoint = flink.stopWithSavepoint(running.get().id(), SAVEPOINT_PATIENCE);
        if (record.isPresent()) {
          applied.write(record.get().stopped(savepoint));
        }
      }
      starts.add(
          new Start(kind, after, savepoint, running.isEmpty() && kind.equals(FEATURE_PIPELINE)));
    }
    return starts;
  }

  /** Starts jobs and returns when they run. */
  public void start(Project project, List<Start> starts) throws IOException {
    for (String jobId : submit(project, starts)) {
      awaitRunning(jobId);
    }
  }

  /** All at once: most of the time goes into the mains, one core each. */
  private List<String> submit(Project project, List<Start> submissions) throws IOException {
    if (submissions.isEmpty()) {
      return List.of();
    }
    ExecutorService threads = Executors.newFixedThreadPool(submissions.size());
    try {
      List<Future<String>> pending = new ArrayList<>();
      for (Start one : submissions) {
        pending.add(threads.submit(() -> submit(project, one)));
      }
      List<String> jobIds = new ArrayList<>();
      for (Future<String> job : pending) {
        jobIds.add(job.get());
      }
      return jobIds;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException cause) {
        throw cause;
      }
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException("Cannot start the jobs of " + project.name(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Cannot start the jobs of " + project.name() + ": interrupted", e);
    } finally {
      threads.shutdown();
    }
  }

  /** Cancels the project's jobs and forgets them. */
  public void cancel(String project) throws IOException {
    for (Kind kind : List.of(RETRAIN_TRIGGER, DRIFT_DETECTOR, INFERENCE, FEATURE_PIPELINE)) {
      String name = kind.jobName(project);
      // First the record: the supervisor must not start again what is being taken away.
      applied.remove(name);
      Optional<FlinkRest.JobOverview> running = flink.liveJob(name);
      if (running.isPresent()) {
        progress.accept(kind.stage() + ": cancelling job " + running.get().id());
        flink.cancel(running.get().id(), START_PATIENCE);
      }
    }
  }

  private String submit(Project project, Start one) throws IOException {
    Kind kind = one.kind;
    String savepoint = one.from;
    Path jar = jar(kind);
    progress.accept(kind.stage() + ": starting" + (savepoint == null ? "" : " from " + savepoint));
    List<String> args = List.of("--project", project.name());
    String jarId = flink.upload(jar);
    String jobId =
        flink.run(jarId, kind.entryClass(), args, one.parallelism, savepoint, one.letsGo);
    applied.write(
        new AppliedJob(
            project.name(),
            kind.jobName(project.name()),
            jar.toString(),
            kind.entryClass(),
            args,
            one.parallelism,
            jobId,
            savepoint));
    return jobId;
  }

  private void awaitRunning(String jobId) throws IOException {
    long deadlineNanos = System.nanoTime() + START_PATIENCE.toNanos();
    while (!flink.isRunning(jobId)) {
      String state = flink.state(jobId);
      if (FlinkRest.isTerminalState(state) || System.nanoTime() - deadlineNanos > 0) {
        throw new CommandFailed(
            "Cannot start job "
                + jobId
                + ": it is "
                + state
                + " ("
                + flink.rootCause(jobId).orElse("no failure is known")
                + "); see the Flink web UI");
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  /** The job's self-contained jar in the checkout. */
  public static Path jar(Kind kind) throws IOException {
    Path folder = Checkout.root().resolve(kind.folder()).resolve("target");
    if (Files.isDirectory(folder)) {
      try (Stream<Path> files = Files.list(folder)) {
        Optional<Path> jar =
            files.filter(f -> f.getFileName().toString().endsWith("-job.jar")).sorted().findFirst();
        if (jar.isPresent()) {
          return jar.get();
        }
      }
    }
    throw new CommandFailed(
        "Cannot find the jar of job "
            + kind.stage()
            + ": none in "
            + folder
            + "; build it with ./mvnw package -DskipTests");
  }
}
