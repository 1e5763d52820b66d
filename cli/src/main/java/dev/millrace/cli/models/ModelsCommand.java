package dev.millrace.cli.models;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.trainer.DeploymentJournal;
import dev.millrace.trainer.VersionJournal;
import dev.millrace.trainer.VersionJournal.Version;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
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
      ModelsCommand.Promote.class
    })
public final class ModelsCommand implements Callable<Integer> {

  private static final JsonMapper JSON = new JsonMapper();

  // Only picocli looks at it.
  @SuppressWarnings("UnusedVariable")
  @Mixin
  private GlobalOptions global = new GlobalOptions();

  @Override
  public Integer call() {
    throw new UserMistake("Cannot run models: name list, show or promote; see --help");
  }

  /** Both journals as they are now. */
  private record Journals(
      DeploymentJournal writing,
      Map<String, List<Version>> versions,
      Map<String, Deployment> serving) {

    static Journals of(Target target) {
      SubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
      DeploymentJournal deployments = new DeploymentJournal(target, registry);
      return new Journals(
          deployments,
          new VersionJournal(target, registry)
              .versions().stream()
                  .collect(
                      Collectors.groupingBy(Version::model, TreeMap::new, Collectors.toList())),
          deployments.current());
    }

    List<Version> of(String model) {
      List<Version> known = versions.getOrDefault(model, List.of());
      if (known.isEmpty()) {
        throw new UserMistake(
            "Cannot find model "
                + model
                + ": no version of it is registered, only of "
                + versions.keySet()
                + "; train one with ./millrace train "
                + model);
      }
      return known;
    }

    @Nullable DeployedVersion champion(String model) {
      Deployment deployment = serving.get(model);
      return deployment == null ? null : deployment.champion();
    }
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
      Journals journals = Journals.of(global.target());
      TreeSet<String> models = new TreeSet<>(journals.versions().keySet());
      models.addAll(journals.serving().keySet());
      PrintWriter out = spec.commandLine().getOut();
      ArrayNode array = JSON.createArrayNode();
      for (String model : models) {
        List<Version> versions = journals.versions().getOrDefault(model, List.of());
        Version newest = versions.isEmpty() ? null : versions.get(versions.size() - 1);
        DeployedVersion champion = journals.champion(model);
        if (json) {
          ObjectNode one = array.addObject();
          one.put("model", model);
          one.put("versions", versions.size());
          one.put("newest", newest == null ? null : newest.version());
          one.put("champion", champion == null ? null : champion.version());
        } else {
          out.println(
              String.format(
                  Locale.ROOT,
                  "%-24s versions %-4d newest %-4s champion %s",
                  model,
                  versions.size(),
                  newest == null ? "-" : String.valueOf(newest.version()),
                  champion == null ? "-" : String.valueOf(champion.version())));
        }
      }
      if (json) {
        out.println(array);
      } else if (models.isEmpty()) {
        out.println("no version of any model is registered; ./millrace train MODEL makes one");
      }
      out.flush();
      return Millrace.DONE;
    }
  }

  /** {@code models show NAME}. */
  @Command(name = "show", description = "Every version of one model, and which of them serves.")
  static final class ShowModel implements Callable<Integer> {

    @Mixin private GlobalOptions global = new GlobalOptions();

    @Parameters(paramLabel = "NAME", description = "The model's name.")
    private String name = "";

    @Option(names = "--json", description = "Prints one JSON object.")
    private boolean json;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws JsonProcessingException {
      Journals journals = Journals.of(global.target());
      List<Version> versions = journals.of(name);
      Deployment serving = journals.serving().get(name);
      DeployedVersion champion = journals.champion(name);
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        ObjectNode object = JSON.createObjectNode();
        object.put("model", name);
        object.put("champion", champion == null ? null : champion.version());
        object.put("deployment_id", serving == null ? null : serving.deploymentId());
        ArrayNode list = object.putArray("versions");
        for (Version version : versions) {
          fill(list.addObject(), version);
        }
        out.println(object);
      } else {
        out.println(name);
        for (Version version : versions) {
          boolean serves = champion != null && champion.version() == version.version();
          print(out, version, serves);
        }
      }
      out.flush();
      return Millrace.DONE;
    }

    private static void fill(ObjectNode object, Version version) throws JsonProcessingException {
      object.put("version", version.version());
      object.put("registered_at", utc(version.registeredAtMillis()));
      object.put("actor", version.actor());
      object.put("reason", version.reason());
      object.put("uri", version.uri());
      object.put("sha256", version.sha256());
      object.set("details", JSON.readTree(version.details()));
    }

    private static void print(PrintWriter out, Version version, boolean serves)
        throws JsonProcessingException {
      JsonNode details = JSON.readTree(version.details());
      JsonNode auc = details.path("metrics").path("holdout").path("auc");
      out.println(
          String.format(
              Locale.ROOT,
              "  %-4d %-9s %s  holdout AUC %s  sha256 %s  by %s",
              version.version(),
              serves ? "CHAMPION" : "",
              utc(version.registeredAtMillis()),
              auc.isNumber() ? String.format(Locale.ROOT, "%.4f", auc.asDouble()) : "-",
              version.sha256(),
              version.actor()));
      out.println("       " + version.uri());
    }

    private static String utc(long millis) {
      return Instant.ofEpochMilli(millis).toString();
    }
  }

  /** {@code models promote NAME VERSION}. */
  @Command(
      name = "promote",
      description = "Makes a version the champion; jobs change over without a restart.")
  static final class Promote implements Callable<Integer> {

    @Mixin private GlobalOptions global = new GlobalOptions();

    @Parameters(index = "0", paramLabel = "NAME", description = "The model's name.")
    private String name = "";

    @Parameters(index = "1", paramLabel = "VERSION", description = "The version's number.")
    private int number;

    @Option(names = "--force", description = "Deploys it again even where it serves already.")
    private boolean force;

    @Option(names = "--reason", paramLabel = "TEXT", description = "Why, for the journal.")
    private String reason = "promoted by hand";

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws Exception {
      Journals journals = Journals.of(global.target());
      List<Version> versions = journals.of(name);
      Version version =
          versions.stream()
              .filter(v -> v.version() == number)
              .findFirst()
              .orElseThrow(
                  () ->
                      new UserMistake(
                          "Cannot promote "
                              + name
                              + " version "
                              + number
                              + ": registered are "
                              + versions.stream().map(Version::version).toList()
                              + "; name one of them"));
      PrintWriter out = spec.commandLine().getOut();
      Deployment serving = journals.serving().get(name);
      DeployedVersion champion = journals.champion(name);
      if (!force && serving != null && champion != null && champion.version() == number) {
        out.println(
            name + " version " + number + " serves already, deployment " + serving.deploymentId());
      } else {
        Deployment deployment =
            journals.writing().promote(version, Actor.name(), reason, System.currentTimeMillis());
        out.println(
            name + " version " + number + " is champion, deployment " + deployment.deploymentId());
      }
      out.flush();
      return Millrace.DONE;
    }
  }
}
