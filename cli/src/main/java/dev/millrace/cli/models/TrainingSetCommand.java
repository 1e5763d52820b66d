package dev.millrace.cli.models;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.ProgressLines;
import dev.millrace.cli.UserMistake;
import dev.millrace.cli.local.FlinkRest;
import dev.millrace.cli.look.FoundProject;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
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
    description =
        "Joins events or a spine with the features of their time, none later, on the cluster, to a"
            + " file; what it was made from stands beside it.")
public final class TrainingSetCommand implements Callable<Integer> {

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(paramLabel = "MODEL", arity = "0..1", description = "The model's name.")
  private @Nullable String model;

  @Option(names = "--out", paramLabel = "F.parquet", description = "The file to write.")
  private @Nullable Path out;

  @Mixin private ModelDataOptions data = new ModelDataOptions();

  @Option(
      names = "--as-served",
      description = "Only rows count that were known when the event was scored.")
  private boolean asServed;

  @Option(
      names = "--as-corrected",
      description = "All rows count that are known now, corrections by late events included.")
  private boolean asCorrected;

  @Option(
      names = "--spine",
      paramLabel = "F.parquet",
      description = "Keys and times (a timestamp column event_time) in the place of a model.")
  private @Nullable Path spine;

  @Option(
      names = "--features",
      paramLabel = "VIEW:F,…",
      split = ",",
      description = "What is joined to a spine; VIEW:* for all of a view.")
  private List<String> features = new ArrayList<>();

  @Option(
      names = "--snapshot",
      paramLabel = "G.parquet.json",
      description = "Reads the tables as that set did: the same request gives the same bytes.")
  private @Nullable Path snapshot;

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    Path file = checked();
    List<String> request = request();
    Target target = global.target();
    SubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
    ObjectNode set =
        new TrainingSetRun(
                new FlinkRest(target.flink()), new ProgressLines(spec.commandLine().getErr()))
            .join(owner(target, registry), request, file);
    print(set, file);
    return Millrace.DONE;
  }

  private Path checked() throws IOException {
    if ((model == null) == (spine == null)) {
      throw new UserMistake(
          "Cannot join a training set: "
              + (model == null
                  ? "no model is named; write its name"
                  : "a model and a spine are named; take one"));
    }
    String what = model == null ? String.valueOf(spine) : model;
    if (out == null) {
      throw new UserMistake(
          "Cannot join the training set of " + what + ": no file is named; write --out F.parquet");
    }
    if (asServed && asCorrected) {
      throw new UserMistake(
          "Cannot join the training set of "
              + what
              + " both --as-served and --as-corrected; take one");
    }
    if (spine == null && !features.isEmpty()) {
      throw new UserMistake(
          "Cannot join --features to model " + what + ": its definition says its inputs");
    }
    if (spine != null) {
      checkSpine(spine);
      checkApart(out, spine);
      checkApart(TrainingSetRun.sidecar(out), spine);
    }
    return out.toAbsolutePath();
  }

  private void checkSpine(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new UserMistake("Cannot read spine " + file + ": no such file");
    }
    if (features.isEmpty()) {
      throw new UserMistake(
          "Cannot join spine " + file + ": no features are named; write --features VIEW:F,…");
    }
    for (String feature : features) {
      if (feature.indexOf(':') < 1) {
        throw new UserMistake(
            "Cannot join feature " + feature + ": it names no view; write VIEW:F or VIEW:*");
      }
    }
    if (data.hasAsOf()) {
      throw new UserMistake(
          "Cannot join spine " + file + " --as-of a time: each of its rows has its own");
    }
  }

  private static void checkApart(Path written, Path spine) throws IOException {
    if (Files.exists(written) && Files.isSameFile(written, spine)) {
      throw new UserMistake(
          "Cannot write "
              + written
              + ": it is the same file as the spine "
              + spine
              + "; name another one with --out");
    }
  }

  private List<String> request() {
    List<String> request = new ArrayList<>();
    if (model != null) {
      request.addAll(List.of("--model", model));
    }
    if (spine != null) {
      request.addAll(
          List.of(
              "--spine",
              spine.toAbsolutePath().toString(),
              "--features",
              String.join(",", features)));
    }
    Instant until = data.asOf();
    if (until != null) {
      request.addAll(List.of("--as-of", String.valueOf(until.toEpochMilli())));
    }
    request.addAll(
        List.of("--knowledge", asServed ? "served" : asCorrected ? "corrected" : "stream"));
    if (snapshot != null) {
      request.addAll(TrainingSetRun.snapshots(snapshot));
    }
    return request;
  }

  /** What the job takes as its project: the folder where one was named, else the applied name. */
  private String owner(Target target, SubjectRegistry registry) {
    Project found;
    if (model != null) {
      found = OwnedModel.find(model, data.project(), target, registry).project();
    } else {
      String first = features.get(0);
      String view = first.substring(0, first.indexOf(':'));
      found =
          FoundProject.owning(
              "view", view, data.project(), p -> p.featureView(view).isPresent(), target, registry);
      features.forEach(feature -> requireFeature(found, feature));
    }
    if (snapshot != null) {
      TrainingSetRun.requireSameDefinitions(snapshot, found);
    }
    String project = data.project();
    return project != null && Files.exists(Path.of(project))
        ? Path.of(project).toAbsolutePath().toString()
        : found.name();
  }

  private static void requireFeature(Project owner, String feature) {
    int colon = feature.indexOf(':');
    String name = feature.substring(colon + 1);
    FeatureView view =
        owner
            .featureView(feature.substring(0, colon))
            .orElseThrow(
                () ->
                    new UserMistake(
                        "Cannot join feature "
                            + feature
                            + ": project "
                            + owner.name()
                            + " has no view of that name"));
    if (!name.equals("*") && view.feature(name).isEmpty()) {
      throw new UserMistake(
          "Cannot join feature "
              + feature
              + ": view "
              + view.name()
              + " has "
              + view.features().stream().map(f -> f.name()).toList());
    }
  }

  private void print(ObjectNode set, Path file) throws IOException {
    PrintWriter to = spec.commandLine().getOut();
    JsonNode from = set.path("from");
    if (json) {
      ObjectNode object = new JsonMapper().createObjectNode();
      if (model != null) {
        object.put("model", model);
      }
      object.put("file", file.toString());
      for (String name :
          List.of("rows", "duplicates", "events", "repeats", "unlabelled", "unscored", "nulls")) {
        if (set.has(name)) {
          object.set(name, set.get(name));
        }
      }
      putTime(object, "window_until", from.path("millrace.window_until"));
      putTime(object, "known_until", from.path("millrace.known_until"));
      object.set("snapshots", new JsonMapper().readTree(from.path("millrace.snapshots").asText()));
      object.put("sha256", set.path("sha256").asText());
      to.println(object);
    } else {
      to.println(
          String.format(
              Locale.ROOT,
              "%s: %,d rows, %,d of them repeat a key and time",
              file,
              set.path("rows").asLong(),
              set.path("duplicates").asLong()));
      set.path("nulls")
          .properties()
          .forEach(
              e ->
                  to.println(
                      String.format(
                          Locale.ROOT,
                          "  %-40s %5.1f %% null",
                          e.getKey(),
                          100 * e.getValue().asDouble())));
    }
    to.flush();
  }

  private static void putTime(ObjectNode object, String name, JsonNode millis) {
    if (!millis.isMissingNode()) {
      object.put(name, Instant.ofEpochMilli(Long.parseLong(millis.asText())).toString());
    }
  }
}
