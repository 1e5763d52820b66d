package dev.millrace.cli.apply;

import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import dev.millrace.cli.local.AppliedJobs;
import dev.millrace.cli.local.FlinkRest;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.DefinitionsLog;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.Installation;
import dev.millrace.platform.PinnedViews;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code apply DIR}: topics, subjects, definitions, and the jobs that run them. */
@Command(
    name = "apply",
    description =
        "Creates the project's topics and subjects and starts its jobs, or upgrades them from a"
            + " savepoint.")
public final class ApplyCommand implements Callable<Integer> {

  /** Flink's own choice of key groups for jobs of up to 85 subtasks. */
  private static final int PARALLELISM_MOST = 128;

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(paramLabel = "DIR", description = "The project's folder, or its millrace.yaml.")
  private Path dir = Path.of("");

  @Option(
      names = "--parallelism",
      paramLabel = "N",
      description =
          "How many subtasks the feature pipeline, inference and the drift detector have; 2 at first,"
              + " then what they had. Jobs that run go on from a savepoint.")
  private @Nullable Integer parallelism;

  @Option(
      names = "--cold",
      description =
          "Views that begin in the middle of a stream are not computed from its archive first: their"
              + " windows fill as events come.")
  private boolean cold;

  @Spec private CommandSpec spec = CommandSpec.create();

  /**
   * What can be asked of an apply.
   *
   * @param parallelism of the project's jobs; null for what they had
   * @param cold whether views may begin with empty windows
   */
  public record Options(@Nullable Integer parallelism, boolean cold) {
    public static final Options NONE = new Options(null, false);
  }

  @Override
  public Integer call() throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    apply(
        ProjectFolder.read(dir),
        global.target(),
        AppliedJobs.ofStack(global.stackDir()),
        new Options(checkedParallelism(), cold),
        line -> {
          out.println(line);
          out.flush();
        });
    return Millrace.DONE;
  }

  private @Nullable Integer checkedParallelism() {
    if (parallelism != null && (parallelism < 1 || parallelism > PARALLELISM_MOST)) {
      throw new UserMistake(
          "Cannot apply with --parallelism %d: it is between 1 and %d, the number of key groups"
              .formatted(parallelism, PARALLELISM_MOST));
    }
    return parallelism;
  }

  /**
   * Applies a project and returns when its jobs run.
   *
   * @param options what the user asked for besides
   */
  public static void apply(
      ProjectFolder folder,
      Target target,
      AppliedJobs applied,
      Options options,
      Consumer<String> progress)
      throws Exception {
    folder.refuseUnbuilt();
    Project project = folder.project();
    SubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
    Installation installation = new Installation(target, registry);
    Installation.Plan plan =
        plan(installation, folder, PinnedViews.read(target, registry, project));
    FlinkRest flink = new FlinkRest(target.flink());
    ProjectJobs jobs = new ProjectJobs(flink, applied, progress);
    ViewStart begun = ViewStart.of(project, plan, target, options.cold());
    plan.changes().forEach(progress);
    begun.notes().forEach(progress);
    boolean upgrade = plan.previous() != null && !plan.changes().isEmpty();
    List<ProjectJobs.Start> starts = jobs.stop(project, upgrade, options.parallelism());
    List<ProjectJobs.Start> next = new ArrayList<>();
    try {
      Applied definitions = installation.install(plan, "apply");
      for (ProjectJobs.Start start : starts) {
        next.add(
            start.kind().equals(ProjectJobs.FEATURE_PIPELINE)
                ? begun.warmed(start, project, plan, flink, progress)
                : start);
      }
      RowKeys.move(
          target,
          plan.previous(),
          definitions,
          starts.stream().anyMatch(s -> s.letsGo() && s.from() != null),
          progress);
    } catch (IOException | CommandFailed | IllegalStateException e) {
      if (upgrade) {
        goOnAsBefore(target, registry, plan, jobs, starts, progress, e);
      }
      throw e;
    }
    jobs.start(project, next);
    progress.accept("project " + project.name() + ": applied");
  }

  /** The jobs that were stopped for what then failed run on with the definitions they had. */
  private static void goOnAsBefore(
      Target target,
      SubjectRegistry registry,
      Installation.Plan plan,
      ProjectJobs jobs,
      List<ProjectJobs.Start> starts,
      Consumer<String> progress,
      Exception failure) {
    Applied before = plan.previous();
    if (before == null) {
      return;
    }
    progress.accept("that failed; the jobs go on as they were");
    try {
      DefinitionsLog log = new DefinitionsLog(target, registry);
      int newest = log.revisions(before.project()).lastKey();
      log.append(before.again(newest + 1, System.currentTimeMillis()), "apply");
      jobs.start(plan.project(), starts.stream().filter(s -> s.from() != null).toList());
    } catch (IOException | RuntimeException e) {
      failure.addSuppressed(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      failure.addSuppressed(e);
    }
  }

  static Installation.Plan plan(Installation installation, ProjectFolder folder, PinnedViews pinned)
      throws Exception {
    Installation.Plan plan;
    try {
      plan = installation.plan(folder.project(), folder.files(), pinned);
    } catch (Installation.TakenNameException e) {
      throw new UserMistake(String.valueOf(e.getMessage()), e);
    }
    if (!plan.obstacles().isEmpty()) {
      throw new UserMistake(
          "Cannot apply project %s:\n  %s"
              .formatted(folder.project().name(), String.join("\n  ", plan.obstacles())));
    }
    return plan;
  }
}
