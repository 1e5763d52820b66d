package dev.millrace.cli.models;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.ProgressLines;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code models pause NAME} and {@code models resume NAME}. */
abstract class PauseCommand implements Callable<Integer> {

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(paramLabel = "NAME", description = "The model's name.")
  private String name = "";

  @Option(names = "--reason", paramLabel = "TEXT", description = "Why, for the journal.")
  private String reason = "";

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Spec private CommandSpec spec = CommandSpec.create();

  private final boolean pauses;

  private PauseCommand(boolean pauses) {
    this.pauses = pauses;
  }

  /** {@code models pause NAME}. */
  @Command(
      name = "pause",
      description =
          "Nothing automatic changes who serves any more: no retraining, rollout or rollback by"
              + " policy. Predictions go on, and what people ask for is done.")
  static final class Pause extends PauseCommand {
    Pause() {
      super(true);
    }
  }

  /** {@code models resume NAME}. */
  @Command(name = "resume", description = "Ends what models pause began.")
  static final class Resume extends PauseCommand {
    Resume() {
      super(false);
    }
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Target target = global.target();
    ModelState state =
        new RegistryRequest(
                target,
                new ConfluentSubjectRegistry(target.schemaRegistry()),
                Actor.name(),
                new ProgressLines(spec.commandLine().getErr()))
            .pause(
                name,
                pauses,
                reason.isBlank() ? (pauses ? "paused by hand" : "resumed by hand") : reason);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      ObjectNode told = new JsonMapper().createObjectNode().put("model", name);
      told.set("pause", new JsonMapper().valueToTree(state.pause()));
      out.println(told);
    } else {
      out.println(name + ModelsCommand.paused(state, " is not paused"));
    }
    out.flush();
    return Millrace.DONE;
  }
}
