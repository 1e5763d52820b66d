package dev.millrace.cli.local;

import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Stops the local stack. */
@Command(
    name = "down",
    description = "Stops the local stack; its data stay, and up brings its jobs back.")
public final class DownCommand implements Callable<Integer> {
  @Mixin private final GlobalOptions global = new GlobalOptions();

  @Option(names = "--wipe", description = "Also deletes all its data.")
  private boolean wipe;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    LocalStack stack = new LocalStack(global.stackDir(), global.portOffset());
    int ended = stack.down();
    out.println(
        ended == 0
            ? "No stack was running in " + global.stackDir() + "."
            : "Stopped " + ended + " processes in " + global.stackDir() + "; none is left.");
    if (wipe) {
      stack.wipe();
      out.println("Deleted its data.");
    }
    out.flush();
    return Millrace.DONE;
  }
}
