package dev.millrace.cli;

import dev.millrace.cli.apply.ApplyCommand;
import dev.millrace.cli.apply.DeleteCommand;
import dev.millrace.cli.apply.PlanCommand;
import dev.millrace.cli.backfill.BackfillCommand;
import dev.millrace.cli.bench.BenchCommand;
import dev.millrace.cli.demo.DemoCommand;
import dev.millrace.cli.events.ProduceCommand;
import dev.millrace.cli.explain.ExplainCommand;
import dev.millrace.cli.local.DoctorCommand;
import dev.millrace.cli.local.DownCommand;
import dev.millrace.cli.local.StatusCommand;
import dev.millrace.cli.local.UpCommand;
import dev.millrace.cli.look.DeadLettersCommand;
import dev.millrace.cli.look.DriftCommand;
import dev.millrace.cli.look.FeaturesCommand;
import dev.millrace.cli.look.PredictionsCommand;
import dev.millrace.cli.models.ModelsCommand;
import dev.millrace.cli.models.TrainCommand;
import dev.millrace.cli.models.TrainingSetCommand;
import dev.millrace.cli.score.ScoreCommand;
import dev.millrace.cli.tokens.TokensCommand;
import dev.millrace.cli.validate.ValidateCommand;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;

/** The root of all commands; {@code ./millrace} starts it. */
@Command(
    name = "millrace",
    description = "Runs the production life of an ML model as event streams on Apache Flink.",
    synopsisSubcommandLabel = "COMMAND",
    sortOptions = false)
public final class Millrace implements Callable<Integer> {
  /** The command done, or nothing to do. */
  public static final int DONE = 0;

  /** The command was asked rightly and failed. */
  public static final int FAILED = 1;

  /** The user has to change something. */
  public static final int USER_MISTAKE = 2;

  /**
   * Every command that is built: add a class here, and it is there. It is a picocli command, takes
   * in {@code @Mixin GlobalOptions}, and throws {@link UserMistake} or {@link CommandFailed}. A
   * group (such as models) is one class that names its commands; those it has not got yet are
   * filled in by {@link NotBuilt}.
   */
  private static final List<Class<? extends Callable<Integer>>> COMMANDS =
      List.of(
          DemoCommand.class,
          UpCommand.class,
          DownCommand.class,
          StatusCommand.class,
          DoctorCommand.class,
          ValidateCommand.class,
          ExplainCommand.class,
          PlanCommand.class,
          ApplyCommand.class,
          DeleteCommand.class,
          ProduceCommand.class,
          FeaturesCommand.class,
          PredictionsCommand.class,
          DriftCommand.class,
          TrainingSetCommand.class,
          ScoreCommand.class,
          BackfillCommand.class,
          TrainCommand.class,
          ModelsCommand.class,
          TokensCommand.class,
          DeadLettersCommand.class,
          BenchCommand.class);

  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  /** The commands as {@link #main} runs them. */
  public static CommandLine commandLine() {
    CommandLine root = new CommandLine(new Millrace());
    root.getCommandSpec().addMixin("global", GlobalOptions.mixin());
    COMMANDS.forEach(root::addSubcommand);
    root.getSubcommands().values().forEach(Millrace::takeGlobalOptions);
    NotBuilt.fillIn(root);
    return root.setExecutionStrategy(Millrace::run)
        .setExecutionExceptionHandler(errors())
        .setExitCodeExceptionMapper(Millrace::exitStatus)
        .setCaseInsensitiveEnumValuesAllowed(true);
  }

  @Override
  public Integer call() {
    throw new UserMistake("Cannot run millrace: no command is named; see ./millrace --help");
  }

  private static int run(ParseResult parsed) {
    @Nullable GlobalOptions before = null;
    for (ParseResult at : withSubcommands(parsed)) {
      GlobalOptions own = globalOptions(at.commandSpec());
      if (own != null) {
        if (before != null) {
          own.takeMissingFrom(before);
        }
        before = own;
      }
    }
    return new CommandLine.RunLast().execute(parsed);
  }

  private static List<ParseResult> withSubcommands(ParseResult parsed) {
    return parsed.asCommandLineList().stream().map(CommandLine::getParseResult).toList();
  }

  /** A command that has no use for the global options takes them all the same. */
  private static void takeGlobalOptions(CommandLine command) {
    if (globalOptions(command.getCommandSpec()) == null) {
      command.getCommandSpec().addMixin("global", GlobalOptions.mixin());
    }
    command.getSubcommands().values().forEach(Millrace::takeGlobalOptions);
  }

  private static @Nullable GlobalOptions globalOptions(CommandSpec command) {
    for (CommandSpec mixin : command.mixins().values()) {
      if (mixin.userObject() instanceof GlobalOptions options) {
        return options;
      }
    }
    return null;
  }

  private static int exitStatus(Throwable e) {
    return e instanceof UserMistake || e instanceof CommandLine.ParameterException
        ? USER_MISTAKE
        : FAILED;
  }

  private static IExecutionExceptionHandler errors() {
    return (e, command, parsed) -> {
      PrintWriter err = command.getErr();
      if ("1".equals(System.getenv("MILLRACE_DEBUG"))) {
        e.printStackTrace(err);
      } else if (e instanceof UserMistake || e instanceof CommandFailed) {
        err.println(e.getMessage());
      } else {
        err.println(
            "Cannot finish "
                + command.getCommandSpec().qualifiedName()
                + ": "
                + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage())
                + "; MILLRACE_DEBUG=1 shows where");
      }
      return command.getExitCodeExceptionMapper().getExitCode(e);
    };
  }
}
