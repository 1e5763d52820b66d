package dev.millrace.cli.models;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.trainer.ModelTraining;
import dev.millrace.trainer.TrainingException;
import dev.millrace.trainer.TrainingSet;
import dev.millrace.trainer.TrainingSetFile;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code training-set MODEL --out F.parquet}: the point-in-time join as a file. */
@Command(
    name = "training-set",
    description = "Joins scored events, features and labels, none later than its event, to a file.")
public final class TrainingSetCommand implements Callable<Integer> {

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(paramLabel = "MODEL", arity = "0..1", description = "The model's name.")
  private @Nullable String model;

  @Option(names = "--out", paramLabel = "F.parquet", description = "The file to write.")
  private @Nullable Path out;

  @Option(
      names = "--as-of",
      paramLabel = "T",
      description =
          "Ends the window at this event time, and nothing later is seen; where labels are"
              + " complete if left out.")
  private @Nullable String asOf;

  @Option(
      names = "--project",
      paramLabel = "P",
      description = "The project's folder or name, where the model is not to be looked for.")
  private @Nullable String project;

  @Option(names = "--as-served", hidden = true)
  private boolean asServed;

  @Option(names = "--as-corrected", hidden = true)
  private boolean asCorrected;

  @Option(names = "--spine", hidden = true)
  private @Nullable Path spine;

  @Option(names = "--features", hidden = true)
  private @Nullable String features;

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    refuse("--as-served", asServed);
    refuse("--as-corrected", asCorrected);
    refuse("--spine", spine != null);
    refuse("--features", features != null);
    if (model == null) {
      throw new UserMistake("Cannot join a training set: no model is named; write its name");
    }
    if (out == null) {
      throw new UserMistake(
          "Cannot join the training set of " + model + ": no file is named; write --out F.parquet");
    }
    Instant until = AsOf.parse(asOf);
    Target target = global.target();
    SubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
    OwnedModel owned = OwnedModel.find(model, project, target, registry);
    TrainingSet set;
    try {
      set =
          new ModelTraining(target, registry, new ProgressLines(spec.commandLine().getErr()))
              .join(owned.project(), owned.model(), until);
      TrainingSetFile.write(set, out);
    } catch (TrainingException e) {
      throw failure(e);
    }
    print(set, out);
    return Millrace.DONE;
  }

  /** The definition's problems are the user's to change, the others may pass with time. */
  static RuntimeException failure(TrainingException e) {
    String message = String.valueOf(e.getMessage());
    return e.isOfDefinition() ? new UserMistake(message, e) : new CommandFailed(message, e);
  }

  private void print(TrainingSet set, Path file) {
    PrintWriter to = spec.commandLine().getOut();
    if (json) {
      ObjectNode object = new JsonMapper().createObjectNode();
      object.put("model", set.model());
      object.put("file", file.toAbsolutePath().toString());
      object.put("rows", set.size());
      object.put("events", set.origin().events());
      object.put("unlabelled", set.origin().unlabelled());
      object.put("window_until", Instant.ofEpochMilli(set.bounds().endMillis()).toString());
      object.put("known_until", Instant.ofEpochMilli(set.bounds().knownMillis()).toString());
      object.put("sha256", set.sha256());
      to.println(object);
    } else {
      to.println(
          String.format(
              Locale.ROOT,
              "%s: %,d rows, %d inputs, up to %s",
              file,
              set.size(),
              set.inputs().size(),
              Instant.ofEpochMilli(set.bounds().endMillis())));
    }
    to.flush();
  }

  private static void refuse(String option, boolean given) {
    if (given) {
      throw new UserMistake(
          "Cannot join with " + option + ": it is not built yet; join a model without it");
    }
  }
}
