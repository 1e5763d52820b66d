package dev.millrace.cli.models;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.ProgressLines;
import dev.millrace.cli.UserMistake;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code models import FILE}. */
@Command(
    name = "import",
    description =
        "Brings an exported registry into this one, all of it or nothing that differs from what is"
            + " here; what is here already is passed over, so it may be run again.")
final class ImportCommand implements Callable<Integer> {

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(paramLabel = "FILE", description = "What models export has written.")
  private Path file = Path.of("");

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
      throw new UserMistake(
          "Cannot import " + file + ": there is no such file that can be read; name an export");
    }
    ObjectNode done =
        new RegistryTransfer(global.target(), new ProgressLines(spec.commandLine().getErr()))
            .upload(file);
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        json
            ? done.toString()
            : done.path("events")
                + " events: "
                + done.path("added")
                + " added, "
                + done.path("already_there")
                + " were there already");
    out.flush();
    return Millrace.DONE;
  }
}
