package dev.millrace.cli.models;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.ProgressLines;
import dev.millrace.cli.UserMistake;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.trainer.Metrics;
import dev.millrace.trainer.ModelTraining;
import dev.millrace.trainer.TrainingException;
import dev.millrace.trainer.TrainingRun;
import dev.millrace.trainer.VersionPublisher;
import dev.millrace.trainer.VersionPublisher.Version;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code train MODEL}: a new version, registered and not deployed. */
@Command(
    name = "train",
    description =
        "Trains a new version of a model, registers it and runs its gates; models promote deploys"
            + " it.")
public final class TrainCommand implements Callable<Integer> {

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(paramLabel = "MODEL", description = "The model's name.")
  private String model = "";

  @Mixin private ModelDataOptions data = new ModelDataOptions();

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    Instant until = data.asOf();
    Target target = global.target();
    SubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
    OwnedModel owned = OwnedModel.find(model, data.project(), target, registry);
    ModelTraining.Trained trained;
    try {
      trained =
          new ModelTraining(target, registry, new ProgressLines(spec.commandLine().getErr()))
              .train(
                  owned.project(), owned.revision(), owned.model(), until, Actor.name(), "train");
    } catch (TrainingException e) {
      throw failure(e);
    } catch (VersionPublisher.RefusedException | VersionPublisher.UnansweredException e) {
      throw new CommandFailed(String.valueOf(e.getMessage()), e);
    }
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(asJson(trained));
    } else {
      print(out, trained);
    }
    out.flush();
    return Millrace.DONE;
  }

  private static void print(PrintWriter out, ModelTraining.Trained trained) {
    Version version = trained.published().version();
    TrainingRun run = trained.run();
    out.println("version     " + version.model() + " " + version.version());
    out.println(measured("validation", asJson(run.validation())));
    out.println(measured("holdout", asJson(run.holdout())));
    out.println("sha256      " + version.sha256());
    out.println("model       " + trained.published().model());
    out.println("lineage     " + trained.published().lineage());
    out.println("profile     " + trained.published().candidate().profile());
    JsonNode validation = trained.published().candidate().validation();
    printGates(out, validation);
    out.println(
        trained.published().validated()
            ? "validated   deploy it with ./millrace models promote "
                + version.model()
                + " "
                + version.version()
            : "rejected    models promote takes it only with --force --reason TEXT");
  }

  /** A line for each gate of a validation. */
  static void printGates(PrintWriter out, JsonNode validation) {
    for (JsonNode gate : validation.path("gates")) {
      out.println(
          "gate        %s %s: %s%s"
              .formatted(
                  gate.path("passed").asBoolean() ? "holds " : "failed",
                  gate.path("name").asText(),
                  gate.path("check").asText(),
                  because(gate)));
    }
    if (validation.has("note")) {
      out.println("gates       " + validation.path("note").asText());
    }
  }

  private static String because(JsonNode gate) {
    return gate.has("note")
        ? " (" + gate.path("note").asText() + ")"
        : gate.path("values").isEmpty() ? "" : " " + gate.path("values");
  }

  /** A line for the metrics of one part of a training set, from their JSON. */
  static String measured(String part, JsonNode metrics) {
    return String.format(
        Locale.ROOT,
        "%-11s AUC %.4f, log loss %.4f, calibration error %.4f, predicted %.4f, observed %.4f"
            + " (%,d rows, %,d positive)",
        part,
        metrics.path("auc").asDouble(),
        metrics.path("log_loss").asDouble(),
        metrics.path("calibration_error").asDouble(),
        metrics.path("mean_predicted").asDouble(),
        metrics.path("observed_rate").asDouble(),
        metrics.path("count").asLong(),
        metrics.path("positives").asLong());
  }

  private static ObjectNode asJson(ModelTraining.Trained trained) {
    Version version = trained.published().version();
    ObjectNode object = new JsonMapper().createObjectNode();
    object.put("model", version.model());
    object.put("version", version.version());
    object.put("sha256", version.sha256());
    object.put("uri", version.uri());
    object.put("lineage", trained.published().lineage().toString());
    object.put("trees", trained.run().trees());
    object.put("rows", trained.set().size());
    object.put("training_set", trained.set().sha256());
    object.put("profile", trained.published().candidate().profile().toString());
    object.put("validated", trained.published().validated());
    object.set("validation", trained.published().candidate().validation());
    ObjectNode metrics = object.putObject("metrics");
    metrics.set("validation", asJson(trained.run().validation()));
    metrics.set("holdout", asJson(trained.run().holdout()));
    return object;
  }

  private static ObjectNode asJson(Metrics metrics) {
    ObjectNode object = new JsonMapper().createObjectNode();
    object.put("count", metrics.count());
    object.put("positives", metrics.positives());
    object.put("auc", metrics.auc());
    object.put("log_loss", metrics.logLoss());
    object.put("brier", metrics.brier());
    object.put("calibration_error", metrics.calibrationError());
    object.put("mean_predicted", metrics.meanPredicted());
    object.put("observed_rate", metrics.observedRate());
    return object;
  }

  /** The definition's problems are the user's to change, the others may pass with time. */
  static RuntimeException failure(TrainingException e) {
    String message = String.valueOf(e.getMessage());
    return e.isOfDefinition() ? new UserMistake(message, e) : new CommandFailed(message, e);
  }
}
