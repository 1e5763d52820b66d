package dev.millrace.cli.models;

import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import dev.millrace.core.lifecycle.DecidedDeployment;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code models promote NAME VERSION}. */
@Command(
    name = "promote",
    description =
        "Makes a version the champion, from an event time on; jobs change over without a restart.")
final class PromoteCommand implements Callable<Integer> {

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(index = "0", paramLabel = "NAME", description = "The model's name.")
  private String name = "";

  @Parameters(index = "1", paramLabel = "VERSION", description = "The version's number.")
  private int version;

  @Option(
      names = "--force",
      description =
          "Deploys it even where it is not validated, was rejected, or serves already; needs"
              + " --reason.")
  private boolean force;

  @Mixin private RequestOptions options = new RequestOptions();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    String why = options.reason("").strip();
    if (force && why.isEmpty()) {
      throw new UserMistake(
          "Cannot force "
              + name
              + " version "
              + version
              + ": the journal keeps why; add --reason TEXT");
    }
    DecidedDeployment deployment =
        RequestOptions.request(global, spec.commandLine().getErr())
            .promote(name, version, force, why.isEmpty() ? "promoted by hand" : why);
    PrintWriter out = spec.commandLine().getOut();
    if (options.json()) {
      out.println(ModelsCommand.json(name, deployment));
    } else if (deployment.stands()) {
      out.println(
          name
              + " version "
              + version
              + " is champion, deployment "
              + deployment.deploymentId()
              + ", from "
              + RegistryRequest.from(deployment)
              + " on");
    } else {
      out.println(
          name
              + " version "
              + version
              + " is PREPARING, deployment "
              + deployment.deploymentId()
              + ": inference has not said that it is ready; it becomes champion when all of its"
              + " subtasks are");
    }
    out.flush();
    return Millrace.DONE;
  }
}
