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
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code apply DIR}: topics, subjects, definitions, and the jobs that run them. */
@Command(
    name = "apply",
    description =
        "Creates the project's topics and subjects and starts its jobs, or upgrades them from a"
            + " savepoint.")
public final class ApplyCommand implements Callable<Integer> {

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(paramLabel = "DIR", description = "The project's folder, or its millrace.yaml.")
  private Path dir = Path.of("");

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    apply(
        ProjectFolder.read(dir),
        global.target(),
        AppliedJobs.ofStack(global.stackDir()),
        line -> {
          out.println(line);
          out.flush();
        });
    return Millrace.DONE;
  }

  /** Applies a project and returns when its jobs run. */
  public static void apply(
      ProjectFolder folder, Target target, AppliedJobs applied, Consumer<String> progress)
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
        .start(folder.project(), upgrade);
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
