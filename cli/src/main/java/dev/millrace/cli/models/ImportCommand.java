package dev.millrace.cli.models;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.UserMistake;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code models import FILE}. */
@Command(
    name = "import",
    description =
        "Brings an exported registry into this one, all of it or nothing that differs from what is"
            + " here; what is here already is passed over, so it may be run again.")
final class ImportCommand implements Callable<Integer> {

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Mixin private TransferOptions options = new TransferOptions();

  @Parameters(paramLabel = "FILE", description = "What models export has written.")
  private Path file = Path.of("");

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
      throw new UserMistake(
          "Cannot import " + file + ": there is no such file that can be read; name an export");
    }
    ObjectNode done = options.transfer(global).upload(file);
    return options.done(
        done,
        done.path("events")
            + " events: "
            + done.path("added")
            + " added, "
            + done.path("already_there")
            + " were there already");
  }
}
