package dev.millrace.cli.look;

import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import dev.millrace.cli.score.ShowPredictionCommand;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import java.io.IOException;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.avro.generic.GenericRecord;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code predictions}: what models said. */
@Command(
    name = "predictions",
    description = "What models said.",
    subcommands = {PredictionsCommand.Tail.class, ShowPredictionCommand.class})
public final class PredictionsCommand implements Callable<Integer> {

  @Mixin GlobalOptions global = new GlobalOptions();

  @Override
  public Integer call() {
    throw new UserMistake("Cannot run predictions: name tail or show; see --help");
  }

  /** {@code predictions tail MODEL}. */
  @Command(name = "tail", description = "Shows a model's predictions as they come.")
  static final class Tail implements Callable<Integer> {

    @Mixin private GlobalOptions global = new GlobalOptions();
    @Mixin private TopicTail tail = new TopicTail();

    @Parameters(paramLabel = "MODEL", description = "The model's name.")
    private String model = "";

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
      Target target = global.target();
      SubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
      Project owner =
          FoundProject.owning(
              "model", model, tail.project(), p -> p.model(model).isPresent(), target, registry);
      tail.show(
          target,
          registry,
          Map.of(Topics.predictions(owner.name(), model), Wire.PREDICTION),
          prediction -> true,
          Tail::line,
          spec.commandLine().getOut());
      return Millrace.DONE;
    }

    private static String line(GenericRecord prediction) {
      return String.format(
          Locale.ROOT,
          "%s %s %s %.4f %s (version %s)",
          Instant.ofEpochMilli((Long) prediction.get("event_time")),
          prediction.get("event_id"),
          prediction.get("role"),
          (Double) prediction.get("score"),
          prediction.get("decision") == null ? "-" : prediction.get("decision"),
          prediction.get("version"));
    }
  }
}
