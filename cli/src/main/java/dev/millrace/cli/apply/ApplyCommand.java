package dev.millrace.cli.apply;

import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import dev.millrace.cli.local.AppliedJobs;
import dev.millrace.cli.local.FlinkRest;
import dev.millrace.platform.Installation;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import java.io.PrintWriter;
import java.nio.file.Path;
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

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    apply(
        ProjectFolder.read(dir),
        global.target(),
        AppliedJobs.ofStack(global.stackDir()),
        checkedParallelism(),
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
   * @param parallelism of its jobs; null for what they had
   */
  public static void apply(
      ProjectFolder folder,
      Target target,
      AppliedJobs applied,
      @Nullable Integer parallelism,
      Consumer<String> progress)
      throws Exception {
    folder.refuseUnbuilt();
    SubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
    Installation installation = new Installation(target, registry);
    Installation.Plan plan = plan(installation, folder);
    if (plan.previous() != null && !plan.changedViews().isEmpty()) {
      throw new UserMistake(
          "Cannot apply project "
              + folder.project().name()
              + ": serving a changed feature view beside the old one is not built yet ("
              + String.join(", ", plan.changedViews())
              + "); give the changed view a new name, or delete the project and apply it again");
    }
    plan.changes().forEach(progress);
    boolean upgrade = plan.previous() != null && !plan.changes().isEmpty();
    installation.install(plan, "apply");
    new ProjectJobs(new FlinkRest(target.flink()), applied, progress)
        .start(folder.project(), upgrade, parallelism);
    progress.accept("project " + folder.project().name() + ": applied");
  }

  static Installation.Plan plan(Installation installation, ProjectFolder folder) throws Exception {
    try {
      return installation.plan(folder.project(), folder.files());
    } catch (Installation.TakenNameException e) {
      throw new UserMistake(String.valueOf(e.getMessage()), e);
    }
  }
}
