package dev.millrace.cli.models;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code models archive NAME VERSION}. */
@Command(
    name = "archive",
    description = "Makes sure that a version never serves again; its artifact and history stay.")
final class ArchiveCommand implements Callable<Integer> {

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(index = "0", paramLabel = "NAME", description = "The model's name.")
  private String name = "";

  @Parameters(index = "1", paramLabel = "VERSION", description = "The version's number.")
  private int version;

  @Mixin private RequestOptions options = new RequestOptions();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    RequestOptions.request(global, spec.commandLine().getErr())
        .archive(name, version, options.reason("archived by hand"));
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        options.json()
            ? new JsonMapper()
                .createObjectNode()
                .put("model", name)
                .put("version", version)
                .put("status", "ARCHIVED")
                .toString()
            : name + " version " + version + " is archived");
    out.flush();
    return Millrace.DONE;
  }
}
