package dev.millrace.cli.models;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.UserMistake;
import dev.millrace.registry.transfer.BadExportException;
import dev.millrace.registry.transfer.ExportFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code models export FILE}. */
@Command(
    name = "export",
    description =
        "Writes the whole registry, models, experiments and runs with their history, to a file;"
            + " artifacts are not in it.")
final class ExportCommand implements Callable<Integer> {

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Mixin private TransferOptions options = new TransferOptions();

  @Parameters(paramLabel = "FILE", description = "For example registry.jsonl.gz.")
  private Path file = Path.of("");

  @Option(names = "--force", description = "Replaces a file that is there already.")
  private boolean force;

  @Override
  public Integer call() throws IOException, InterruptedException {
    Path to = file.toAbsolutePath().normalize();
    refuseToReplace(to);
    Path folder = to.getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new UserMistake("Cannot export to " + file + ": there is no folder " + folder);
    }
    RegistryTransfer transfer = options.transfer(global);
    Path part;
    try {
      // Its owner alone may read it, and what it becomes.
      part = Files.createTempFile(folder, "." + to.getFileName(), ".part");
    } catch (IOException e) {
      throw new CommandFailed(
          "Cannot export to " + file + ": " + folder + " takes no files: " + e.getMessage(), e);
    }
    long events;
    long bytes;
    try {
      transfer.download(part);
      events = ExportFile.events(part);
      bytes = Files.size(part);
      refuseToReplace(to);
      Files.move(part, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (BadExportException e) {
      throw new CommandFailed(
          "Cannot export to " + file + ": what came is no whole export: " + e.why(), e);
    } finally {
      Files.deleteIfExists(part);
    }
    return options.done(
        new JsonMapper()
            .createObjectNode()
            .put("file", to.toString())
            .put("events", events)
            .put("bytes", bytes),
        events + " events in " + file + ", " + bytes + " bytes");
  }

  private void refuseToReplace(Path to) {
    if (Files.isDirectory(to)) {
      throw new UserMistake("Cannot export to " + file + ": it is a folder; name a file in it");
    }
    if (!force && Files.exists(to, LinkOption.NOFOLLOW_LINKS)) {
      throw new UserMistake(
          "Cannot export to " + file + ": it is there already; name another file, or say --force");
    }
  }
}
