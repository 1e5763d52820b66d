package dev.millrace.cli;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.Model.UsageMessageSpec;

/**
 * The commands that Millrace will have. Each that is not in {@link Millrace#COMMANDS} is there by
 * name, says that it is not built yet and exits with 2.
 */
final class NotBuilt implements Callable<Integer> {
  /** Every command of the contract; a group's command as {@code group command}. */
  static final List<String> CONTRACT =
      List.of(
          "demo",
          "up",
          "down",
          "status",
          "doctor",
          "init",
          "validate",
          "test",
          "explain",
          "plan",
          "apply",
          "delete",
          "produce",
          "features get",
          "training-set",
          "train",
          "models list",
          "models show",
          "models evaluate",
          "models promote",
          "models rollback",
          "models archive",
          "models pause",
          "models resume",
          "score",
          "predictions tail",
          "predictions show",
          "drift tail",
          "drift report",
          "dead-letters list",
          "dead-letters replay",
          "forget",
          "backfill",
          "retraining backtest",
          "drill inject",
          "chaos",
          "bench");

  private final String name;

  private NotBuilt(String name) {
    this.name = name;
  }

  @Override
  public Integer call() {
    throw new UserMistake(
        "Cannot run "
            + name
            + ": this command is not built yet; ./millrace --help lists those that are");
  }

  /** Adds a placeholder for every command of the contract that {@code root} has not got. */
  static void fillIn(CommandLine root) {
    for (String path : CONTRACT) {
      String[] names = path.split(" ", -1);
      CommandLine at = root;
      for (int i = 0; i < names.length; i++) {
        CommandLine next = at.getSubcommands().get(names[i]);
        if (next == null) {
          boolean leaf = i == names.length - 1;
          next = new CommandLine(leaf ? placeholder(path) : Group.spec());
          at.addSubcommand(names[i], next);
        }
        at = next;
      }
    }
  }

  private static CommandSpec placeholder(String path) {
    CommandSpec spec = CommandSpec.wrapWithoutInspection(new NotBuilt(path));
    spec.usageMessage(new UsageMessageSpec().description("(not built yet)").hidden(true));
    spec.addPositional(
        PositionalParamSpec.builder()
            .arity("0..*")
            .type(List.class)
            .auxiliaryTypes(String.class)
            .build());
    spec.parser().unmatchedArgumentsAllowed(true).unmatchedOptionsArePositionalParams(true);
    return spec;
  }

  /** A name that only holds commands. */
  private static final class Group implements Callable<Integer> {
    @Override
    public Integer call() {
      throw new UserMistake("Cannot run a group of commands: name one of them; see --help");
    }

    static CommandSpec spec() {
      return CommandSpec.wrapWithoutInspection(new Group())
          .usageMessage(new UsageMessageSpec().hidden(true))
          .addMixin("global", GlobalOptions.mixin());
    }
  }
}
