package dev.millrace.cli.models;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import dev.millrace.core.lifecycle.DecidedDeployment;
import dev.millrace.core.lifecycle.DecidedDeployment.Named;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.lifecycle.RegisteredVersion;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code models}: registered versions, and who serves. */
@Command(
    name = "models",
    description = "Registered versions of models, and which of them serves.",
    subcommands = {
      ModelsCommand.ListModels.class,
      ModelsCommand.ShowModel.class,
      EvaluateCommand.class,
      PromoteCommand.class,
      RollbackCommand.class,
      ArchiveCommand.class,
      PauseCommand.Pause.class,
      PauseCommand.Resume.class,
      ExportCommand.class,
      ImportCommand.class
    })
public final class ModelsCommand implements Callable<Integer> {

  private static final JsonMapper JSON = new JsonMapper();

  // Only picocli looks at it.
  @SuppressWarnings("UnusedVariable")
  @Mixin
  private GlobalOptions global = new GlobalOptions();

  @Override
  public Integer call() {
    throw new UserMistake(
        "Cannot run models: name list, show, evaluate, promote, rollback, archive, pause, resume, export or import; see --help");
  }

  private static LifecycleLog log(Target target) {
    return new LifecycleLog(target, new ConfluentSubjectRegistry(target.schemaRegistry()));
  }

  /** {@code models list}. */
  @Command(name = "list", description = "Every model with its newest version and its champion.")
  static final class ListModels implements Callable<Integer> {

    @Mixin private GlobalOptions global = new GlobalOptions();

    @Option(names = "--json", description = "Prints one JSON array.")
    private boolean json;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
      Map<String, ModelState> models = log(global.target()).models();
      models.values().removeIf(m -> m.versions().isEmpty());
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        ArrayNode array = JSON.createArrayNode();
        models.values().forEach(m -> fill(array.addObject(), m));
        out.println(array);
      } else {
        models.values().forEach(m -> print(out, m));
        if (models.isEmpty()) {
          out.println("no version of any model is registered; ./millrace train MODEL makes one");
        }
      }
      out.flush();
      return Millrace.DONE;
    }

    private static void fill(ObjectNode one, ModelState model) {
      one.put("model", model.model());
      one.put("versions", model.versions().size());
      one.put("newest", newest(model));
      one.put("champion", model.champion().orElse(null));
      Named canary = model.current().map(DecidedDeployment::canary).orElse(null);
      one.put("canary", canary == null ? null : canary.version());
      one.put("paused", model.pause() != null);
      one.put("preparing", model.preparing().map(DecidedDeployment::deploymentId).orElse(null));
    }

    private static void print(PrintWriter out, ModelState model) {
      out.println(
          String.format(
              Locale.ROOT,
              "%-24s versions %-4d newest %-4d champion %s%s%s",
              model.model(),
              model.versions().size(),
              newest(model),
              model.champion().map(String::valueOf).orElse("-"),
              model.preparing().isPresent() ? "  (another deployment is being prepared)" : "",
              model.pause() == null ? "" : "  (paused)"));
    }

    private static int newest(ModelState model) {
      return model.versions().get(model.versions().size() - 1).version();
    }
  }

  /** {@code models show NAME}. */
  @Command(
      name = "show",
      description = "Every version of one model, which of them serves, and since when.")
  static final class ShowModel implements Callable<Integer> {

    @Mixin private GlobalOptions global = new GlobalOptions();

    @Parameters(paramLabel = "NAME", description = "The model's name.")
    private String name = "";

    @Option(names = "--json", description = "Prints one JSON object.")
    private boolean json;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws JsonProcessingException {
      List<LifecycleEntry> journal = log(global.target()).read();
      Map<String, ModelState> models = ModelState.fold(journal);
      ModelState model = models.get(name);
      if (model == null || model.versions().isEmpty()) {
        throw RegistryRequest.unknown(name, models.keySet());
      }
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        out.println(
            asJson(
                model,
                details(journal, List.of(Event.VERSION_REGISTERED)),
                details(journal, List.of(Event.VERSION_VALIDATED, Event.VERSION_REJECTED))));
      } else {
        print(out, model);
      }
      out.flush();
      return Millrace.DONE;
    }

    /** What came with each version in the newest event of these. */
    private Map<Integer, JsonNode> details(List<LifecycleEntry> journal, List<Event> events)
        throws JsonProcessingException {
      Map<Integer, JsonNode> details = new TreeMap<>();
      for (LifecycleEntry entry : journal) {
        Integer version = entry.version();
        if (entry.model().equals(name)
            && events.stream().anyMatch(entry::is)
            && version != null
            && ModelState.sequence(entry) > 0) {
          details.put(version, JSON.readTree(entry.details()));
        }
      }
      return details;
    }

    private static ObjectNode asJson(
        ModelState model, Map<Integer, JsonNode> details, Map<Integer, JsonNode> validations) {
      ObjectNode object = JSON.createObjectNode();
      object.put("model", model.model());
      object.put("champion", model.champion().orElse(null));
      object.put(
          "deployment_id", model.current().map(DecidedDeployment::deploymentId).orElse(null));
      object.set("pause", JSON.valueToTree(model.pause()));
      ArrayNode versions = object.putArray("versions");
      for (RegisteredVersion version : model.versions()) {
        ObjectNode one = versions.addObject();
        one.put("version", version.version());
        one.put("status", version.status().name());
        one.put("registered_at", utc(version.registeredAtMillis()));
        one.put("actor", version.actor());
        one.put("reason", version.reason());
        one.put("uri", version.uri());
        one.put("sha256", version.sha256());
        one.put("verdict", version.verdict());
        one.set("details", details.get(version.version()));
        one.set("validation", validations.get(version.version()));
      }
      object.set("deployments", JSON.valueToTree(model.deployments()));
      return object;
    }

    private static void print(PrintWriter out, ModelState model) {
      out.println(model.model() + paused(model, ""));
      for (RegisteredVersion version : model.versions()) {
        JsonNode metrics = version.metrics();
        JsonNode auc = (metrics == null ? JSON.missingNode() : metrics).path("holdout").path("auc");
        out.println(
            String.format(
                Locale.ROOT,
                "  %-4d %-9s %-10s %s  holdout AUC %s  sha256 %s  by %s",
                version.version(),
                role(model, version.version()),
                version.status(),
                utc(version.registeredAtMillis()),
                auc.isNumber() ? String.format(Locale.ROOT, "%.4f", auc.asDouble()) : "-",
                version.unseen() ? "unknown" : version.sha256(),
                version.actor()));
        out.println("       " + version.uri());
        if (version.status() == RegisteredVersion.Status.REJECTED) {
          out.println("       rejected: " + version.verdict());
        } else if (version.unseen() && version.status() == RegisteredVersion.Status.REGISTERED) {
          out.println(
              "       made elsewhere; ./millrace models evaluate "
                  + model.model()
                  + " "
                  + version.version()
                  + " looks into it");
        }
      }
      if (!model.deployments().isEmpty()) {
        out.println("deployments");
      }
      for (DecidedDeployment deployment : model.deployments()) {
        Named canary = deployment.canary();
        out.println(
            String.format(
                Locale.ROOT,
                "  %s %-9s champion %d%s%s  effective: %s  by %s: %s",
                deployment.deploymentId(),
                deployment.state(),
                deployment.champion().version(),
                canary == null
                    ? ""
                    : String.format(
                        Locale.ROOT,
                        " canary %d (%.0f %%)",
                        canary.version(),
                        deployment.share() * 100),
                deployment.shadows().isEmpty()
                    ? ""
                    : " shadows " + deployment.shadows().stream().map(Named::version).toList(),
                deployment.effectiveTimeMillis() == null
                    ? RegistryRequest.from(deployment)
                    : "from " + RegistryRequest.from(deployment),
                deployment.actor(),
                deployment.reason()));
      }
    }

    private static String role(ModelState model, int version) {
      DecidedDeployment current = model.current().orElse(null);
      if (current == null || !current.versions().contains(version)) {
        return "";
      }
      if (current.champion().version() == version) {
        return "CHAMPION";
      }
      Named canary = current.canary();
      return canary != null && canary.version() == version ? "CANARY" : "SHADOW";
    }

    private static String utc(long millis) {
      return Instant.ofEpochMilli(millis).toString();
    }
  }

  /** Who has paused a model, for people. */
  static String paused(ModelState model, String otherwise) {
    ModelState.Pause pause = model.pause();
    return pause == null
        ? otherwise
        : " is paused since "
            + Instant.ofEpochMilli(pause.sinceMillis())
            + " by "
            + pause.actor()
            + ": "
            + pause.reason();
  }

  /** What was deployed, as one JSON object. */
  static ObjectNode json(String model, @Nullable DecidedDeployment deployment) {
    ObjectNode object = JSON.createObjectNode();
    object.put("model", model);
    object.put("version", deployment == null ? null : deployment.champion().version());
    object.put("deployment_id", deployment == null ? null : deployment.deploymentId());
    object.put("state", deployment == null ? null : deployment.state().name());
    object.put("effective_time", deployment == null ? null : deployment.effectiveTimeMillis());
    return object;
  }
}
