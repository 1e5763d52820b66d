package dev.millrace.cli.models;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.ProgressLines;
import dev.millrace.cli.UserMistake;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.lifecycle.RegisteredVersion;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.trainer.TrainingException;
import dev.millrace.trainer.VersionEvaluation;
import dev.millrace.trainer.VersionEvaluation.Evaluated;
import dev.millrace.trainer.VersionPublisher;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code models evaluate NAME VERSION}: a version made elsewhere becomes promotable. */
@Command(
    name = "evaluate",
    description =
        "Judges a version that was made elsewhere as train judges its own: parity, metrics, gates"
            + " and reference profile. Exit status 1 where it is rejected.")
final class EvaluateCommand implements Callable<Integer> {

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(index = "0", paramLabel = "NAME", description = "The model's name.")
  private String name = "";

  @Parameters(index = "1", paramLabel = "VERSION", description = "The version's number.")
  private int version;

  @Mixin private ModelDataOptions data = new ModelDataOptions();

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    Instant until = data.asOf();
    Target target = global.target();
    SubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
    List<LifecycleEntry> journal = new LifecycleLog(target, registry).read();
    VersionSource sources = new VersionSource(target, journal);
    String source = source(journal, sources);
    OwnedModel owned = OwnedModel.find(name, data.project(), target, registry);
    ProgressLines progress = new ProgressLines(spec.commandLine().getErr());
    progress.accept("reading " + source);
    Evaluated evaluated =
        evaluate(
            new VersionEvaluation(target, registry, progress),
            new VersionEvaluation.Request(
                owned.project(),
                owned.revision(),
                owned.model(),
                version,
                source,
                bytes(sources, source),
                until,
                Actor.name(),
                "by-hand/" + UUID.randomUUID()));
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(asJson(evaluated, source));
    } else {
      print(out, evaluated, source);
    }
    out.flush();
    return evaluated.validated() ? Millrace.DONE : Millrace.FAILED;
  }

  /** Where the bytes are: where it was registered, or the copy once somebody has looked. */
  private String source(List<LifecycleEntry> journal, VersionSource sources) {
    Map<String, ModelState> models = ModelState.fold(journal);
    ModelState state = models.get(name);
    if (state == null || state.versions().isEmpty()) {
      throw RegistryRequest.unknown(name, models.keySet());
    }
    String what = "Cannot evaluate " + name + " version " + version + ": ";
    RegisteredVersion known =
        state
            .version(version)
            .orElseThrow(
                () ->
                    new UserMistake(
                        what
                            + "it is not registered; registered are "
                            + state.versions().stream().map(RegisteredVersion::version).toList()));
    if (known.status() == RegisteredVersion.Status.ARCHIVED) {
      throw new UserMistake(what + "it is archived and never serves again");
    }
    LifecycleEntry registration = sources.registration(name, version);
    if (registration == null || registration.sha256() != null) {
      throw new UserMistake(
          what
              + "it was made by "
              + known.actor()
              + " with its profile, and its gates were run ("
              + known.status()
              + "); evaluate is for versions that were made elsewhere");
    }
    return known.unseen() ? String.valueOf(registration.uri()) : known.uri();
  }

  private static byte[] bytes(VersionSource sources, String source)
      throws IOException, InterruptedException {
    try {
      return sources.bytes(source);
    } catch (IOException e) {
      throw new CommandFailed("Cannot read " + source + ": " + e.getMessage(), e);
    }
  }

  private static Evaluated evaluate(VersionEvaluation evaluation, VersionEvaluation.Request request)
      throws IOException, InterruptedException {
    try {
      return evaluation.evaluate(request);
    } catch (TrainingException e) {
      throw TrainCommand.failure(e);
    } catch (VersionPublisher.RefusedException | VersionPublisher.UnansweredException e) {
      throw new CommandFailed(String.valueOf(e.getMessage()), e);
    }
  }

  private void print(PrintWriter out, Evaluated evaluated, String source) {
    JsonNode validation = evaluated.validation();
    JsonNode found = validation.path(ModelState.EVALUATION);
    out.println("version     " + name + " " + version);
    out.println("source      " + source);
    out.println("sha256      " + evaluated.sha256());
    if (evaluated.uri() != null) {
      out.println("model       " + evaluated.uri());
      out.println("format      " + found.path("format").asText());
      measured(out, "validation", found.path("metrics").path("validation"));
      measured(out, "holdout", found.path("metrics").path("holdout"));
      out.println("lineage     " + found.path("lineage").asText());
      out.println(
          "profile     " + found.path("profile_uri").asText("none: there are no events to see"));
      out.println("tests       " + validation.path("tests").path("note").asText());
      TrainCommand.printGates(out, validation);
    }
    out.println(
        evaluated.validated()
            ? "validated   deploy it with ./millrace models promote " + name + " " + version
            : "rejected    "
                + evaluated.event().reason()
                + (evaluated.uri() == null
                    ? "; it cannot serve"
                    : "; models promote takes it only with --force --reason TEXT"));
  }

  private static void measured(PrintWriter out, String part, JsonNode metrics) {
    if (metrics.isObject()) {
      out.println(TrainCommand.measured(part, metrics));
    }
  }

  private ObjectNode asJson(Evaluated evaluated, String source) {
    ObjectNode object = new JsonMapper().createObjectNode();
    object.put("model", name);
    object.put("version", version);
    object.put("source", source);
    object.put("sha256", evaluated.sha256());
    object.put("uri", evaluated.uri());
    object.put("validated", evaluated.validated());
    object.put("reason", evaluated.event().reason());
    object.set("validation", evaluated.validation());
    return object;
  }
}
