package dev.millrace.cli.models;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.ProgressLines;
import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What the commands have that move a whole registry: how it goes on, and how its end is told. */
final class TransferOptions {

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command = CommandSpec.create();

  /** To and from the registry of the target; whoever runs the command sees how far it is. */
  RegistryTransfer transfer(GlobalOptions global) {
    return new RegistryTransfer(global.target(), new ProgressLines(command.commandLine().getErr()));
  }

  /**
   * Tells what was done.
   *
   * @param line the same for people
   */
  int done(ObjectNode told, String line) {
    PrintWriter out = command.commandLine().getOut();
    out.println(json ? told.toString() : line);
    out.flush();
    return Millrace.DONE;
  }
}
