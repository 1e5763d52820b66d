package dev.millrace.cli.models;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.models.RegistryRequest.RolledBack;
import dev.millrace.core.lifecycle.DecidedDeployment;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code models rollback NAME}. */
@Command(
    name = "rollback",
    description =
        "Goes back to who was champion before, for whatever is not scored yet; takes back a"
            + " deployment that is only being prepared.")
final class RollbackCommand implements Callable<Integer> {

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(paramLabel = "NAME", description = "The model's name.")
  private String name = "";

  @Mixin private RequestOptions options = new RequestOptions();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    RolledBack done =
        RequestOptions.request(global, spec.commandLine().getErr())
            .rollback(name, options.reason("rolled back by hand"));
    DecidedDeployment current = done.current();
    PrintWriter out = spec.commandLine().getOut();
    if (options.json()) {
      ObjectNode object = ModelsCommand.json(name, current);
      ArrayNode revoked = object.putArray("revoked");
      done.revoked().forEach(d -> revoked.add(d.deploymentId()));
      out.println(object);
    } else {
      for (DecidedDeployment revoked : done.revoked()) {
        out.println(
            "revoked deployment "
                + revoked.deploymentId()
                + " of "
                + name
                + " version "
                + revoked.champion().version());
      }
      out.println(
          current == null
              ? name + " has no champion: the fallback answers"
              : name
                  + " version "
                  + current.champion().version()
                  + " is champion, deployment "
                  + current.deploymentId());
    }
    out.flush();
    return Millrace.DONE;
  }
}
