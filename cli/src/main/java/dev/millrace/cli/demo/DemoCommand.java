package dev.millrace.cli.demo;

import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import dev.millrace.cli.fraud.FraudGenerateCommand;
import dev.millrace.cli.fraud.FraudWorld;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
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
            + " live predictions; fraud also: a model that ages, and its successor.",
    subcommands = FraudGenerateCommand.class)
public final class DemoCommand implements Callable<Integer> {

  private static final String FLIGHTS = "flights";
  private static final String FRAUD = "fraud";

  /** Less would be a story without an end: it begins with day 31. */
  private static final int DAYS_LEAST = 29;

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(
      paramLabel = "EXAMPLE",
      arity = "0..1",
      defaultValue = FLIGHTS,
      description = "Which example: flights (the default) or fraud.")
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

  @Option(
      names = "--no-change",
      description = "fraud: the new kind of fraud never comes, and nothing may be retrained.")
  private boolean noChange;

  @Option(
      names = "--bad-successor",
      description =
          "fraud: nothing changes, and a version that knows nothing is forced in; it must be rolled"
              + " back by itself.")
  private boolean badSuccessor;

  @Option(names = "--days", hidden = true, description = "fraud: plays so many days of the sixty.")
  private int days = FraudWorld.DAYS;

  @Option(
      names = "--ahead-hours",
      hidden = true,
      description = "fraud: how far event time may be ahead of what has come of it.")
  private int aheadHours = 36;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    boolean fraud = example.equals(FRAUD);
    if (!fraud && !example.equals(FLIGHTS)) {
      throw new UserMistake(
          "Cannot run demo " + example + ": there are " + List.of(FLIGHTS, FRAUD) + "; name one");
    }
    if (!fraud && (noChange || badSuccessor)) {
      throw new UserMistake(
          "Cannot run demo flights with --no-change or --bad-successor: only fraud has them");
    }
    if (days < DAYS_LEAST || days > FraudWorld.DAYS) {
      throw new UserMistake(
          "Cannot play " + days + " days: --days is from " + DAYS_LEAST + " to " + FraudWorld.DAYS);
    }
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter told = json ? spec.commandLine().getErr() : out;
    Narration narration = new Narration(told);
    StackOptions options = new StackOptions(global);
    if (fraud) {
      FraudDemo.Plan plan =
          new FraudDemo.Plan(
              !noChange && !badSuccessor, badSuccessor, days, Duration.ofHours(aheadHours));
      new FraudDemo(global.stackDir(), global.portOffset(), narration, options, plan)
          .run(exit, summary -> print(out, summary.text(), summary.json()));
    } else {
      new FlightsDemo(global.stackDir(), global.portOffset(), narration, options)
          .run(exit, summary -> print(out, summary.lines(), summary.json()));
    }
    return Millrace.DONE;
  }

  private void print(PrintWriter out, List<String> lines, String asJson) {
    if (json) {
      out.println(asJson);
    } else {
      lines.forEach(out::println);
    }
    out.flush();
  }
}
