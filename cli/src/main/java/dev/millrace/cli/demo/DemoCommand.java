package dev.millrace.cli.demo;

import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code demo}: the whole loop, told step by step. */
@Command(
    name = "demo",
    description =
        "Runs the whole loop on this machine, step by step: stack, features, training, promotion,"
            + " live predictions.")
public final class DemoCommand implements Callable<Integer> {

  private static final String FLIGHTS = "flights";

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(
      paramLabel = "EXAMPLE",
      arity = "0..1",
      defaultValue = FLIGHTS,
      description = "Which example: flights (the default).")
  private String example = FLIGHTS;

  @Option(
      names = "--exit",
      description =
          "Ends by itself, and with it the stack if it started that; 0 only if every step really"
              + " happened.")
  private boolean exit;

  @Option(
      names = "--json",
      description = "Prints the summary as one JSON object; the steps go to standard error.")
  private boolean json;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    if (!example.equals(FLIGHTS)) {
      throw new UserMistake(
          "Cannot run demo "
              + example
              + ": it is not built yet; the one that is built is ./millrace demo "
              + FLIGHTS);
    }
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter told = json ? spec.commandLine().getErr() : out;
    Narration narration = new Narration(told);
    FlightsDemo demo =
        new FlightsDemo(
            global.stackDir(), global.portOffset(), narration, new StackOptions(global));
    demo.run(
        exit,
        summary -> {
          if (json) {
            out.println(summary.json());
          } else {
            summary.lines().forEach(out::println);
          }
          out.flush();
        });
    return Millrace.DONE;
  }
}
