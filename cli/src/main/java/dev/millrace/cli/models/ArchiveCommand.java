package dev.millrace.cli.models;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.ProgressLines;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
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

  @Option(names = "--reason", paramLabel = "TEXT", description = "Why, for the journal.")
  private String reason = "archived by hand";

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    Target target = global.target();
    new RegistryRequest(
            target,
            new ConfluentSubjectRegistry(target.schemaRegistry()),
            Actor.name(),
            new ProgressLines(spec.commandLine().getErr()))
        .archive(name, version, reason);
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        json
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
