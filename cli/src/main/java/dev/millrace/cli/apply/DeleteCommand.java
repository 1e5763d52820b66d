package dev.millrace.cli.apply;

import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import dev.millrace.cli.local.AppliedJobs;
import dev.millrace.cli.local.FlinkRest;
import dev.millrace.platform.DefinitionsLog;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code delete PROJECT}: cancels the project's jobs and takes its definitions back. Topics, tables
 * and rows stay: what was recorded is not lost by taking a project away.
 */
@Command(
    name = "delete",
    description = "Stops a project's jobs and removes its definitions; topics and tables stay.")
public final class DeleteCommand implements Callable<Integer> {

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(paramLabel = "PROJECT", description = "The project's name.")
  private String project = "";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    Target target = global.target();
    DefinitionsLog log =
        new DefinitionsLog(target, new ConfluentSubjectRegistry(target.schemaRegistry()));
    DefinitionsLog.Applied applied =
        log.latest(project)
            .orElseThrow(
                () ->
                    new UserMistake(
                        "Cannot delete project "
                            + project
                            + ": it is not applied; the applied ones are "
                            + log.latest().keySet()));
    PrintWriter out = spec.commandLine().getOut();
    new ProjectJobs(
            new FlinkRest(target.flink()),
            AppliedJobs.ofStack(global.stackDir()),
            line -> {
              out.println(line);
              out.flush();
            })
        .cancel(project);
    log.delete(applied, "delete");
    out.println("project " + project + ": deleted; its topics and tables stay");
    out.flush();
    return Millrace.DONE;
  }
}
