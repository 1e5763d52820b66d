package dev.millrace.cli.models;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.core.lifecycle.ModelState;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code models pause NAME} and {@code models resume NAME}. */
abstract class PauseCommand implements Callable<Integer> {

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(paramLabel = "NAME", description = "The model's name.")
  private String name = "";

  @Mixin private RequestOptions options = new RequestOptions();

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
    String why = options.reason("");
    ModelState state =
        RequestOptions.request(global, spec.commandLine().getErr())
            .pause(
                name,
                pauses,
                why.isBlank() ? (pauses ? "paused by hand" : "resumed by hand") : why);
    PrintWriter out = spec.commandLine().getOut();
    if (options.json()) {
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
