package dev.millrace.cli.score;

import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import dev.millrace.cli.look.FoundProject;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.lifecycle.RegisteredVersion;
import dev.millrace.core.lifecycle.VersionInputs;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.platform.DefinitionsLog;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.trainer.EventEvidence;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.concurrent.Callable;
import org.apache.avro.generic.GenericRecord;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code predictions show MODEL EVENT_ID}: why this prediction. */
@Command(
    name = "show",
    description =
        "Why this prediction: its inputs with the rows, times and definitions they came from, the"
            + " deployment, what each input contributed, the label, and the score computed again.")
public final class ShowPredictionCommand implements Callable<Integer> {

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(index = "0", paramLabel = "MODEL", description = "The model's name.")
  private String name = "";

  @Parameters(index = "1", paramLabel = "EVENT_ID", description = "The event's id.")
  private String eventId = "";

  @Option(
      names = "--with",
      paramLabel = "VERSION",
      description = "Also scores the same inputs with this version.")
  private @Nullable Integer with;

  @Option(
      names = "--project",
      paramLabel = "P",
      description = "The project's folder or name, where the model is not to be looked for.")
  private @Nullable String project;

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    Target target = global.target();
    SubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
    Project owner =
        FoundProject.owning(
            "model", name, project, p -> p.model(name).isPresent(), target, registry);
    Model model = owner.model(name).orElseThrow();
    List<LifecycleEntry> journal = new LifecycleLog(target, registry).read(name);
    ModelState state = ModelState.fold(journal).getOrDefault(name, ModelState.empty(name));
    RegisteredVersion other = with == null ? null : wanted(state, with);
    PredictionSearch search = new PredictionSearch(target, registry, owner, model);
    ShownPrediction shown;
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      EventEvidence evidence = new EventEvidence(catalog, owner);
      GenericRecord prediction =
          search
              .find(evidence, eventId)
              .orElseThrow(
                  () ->
                      new CommandFailed(
                          "Cannot find a prediction of %s for event %s:%n  searched %s%n; correct the id, or wait for the event to be scored"
                              .formatted(
                                  name, eventId, String.join("\n  searched ", search.searched()))));
      shown =
          shown(
              model,
              new DefinitionsLog(target, registry).revisions(owner.name()),
              state,
              journal,
              prediction,
              search.searched(),
              other,
              evidence);
    }
    if (json) {
      spec.commandLine().getOut().println(shown.json());
    } else {
      shown.lines().forEach(spec.commandLine().getOut()::println);
    }
    spec.commandLine().getOut().flush();
    Rescored recomputed = shown.recomputed();
    return recomputed == null || recomputed.is((Double) shown.prediction().get("score"))
        ? Millrace.DONE
        : Millrace.FAILED;
  }

  private RegisteredVersion wanted(ModelState state, int version) {
    return state
        .version(version)
        .orElseThrow(
            () ->
                new UserMistake(
                    "Cannot score with version %d of %s: the registry has %s; correct --with"
                        .formatted(
                            version,
                            name,
                            state.versions().stream().map(RegisteredVersion::version).toList())));
  }

  private ShownPrediction shown(
      Model model,
      NavigableMap<Integer, DefinitionsLog.Applied> revisions,
      ModelState state,
      List<LifecycleEntry> journal,
      GenericRecord prediction,
      List<String> searched,
      @Nullable RegisteredVersion other,
      EventEvidence evidence)
      throws IOException {
    Map<String, @Nullable Object> inputs = ShownPrediction.inputs(prediction);
    long scoredAtMillis = (Long) prediction.get("scored_at");
    Rescored recomputed = null;
    String why = null;
    if (prediction.get("sha256") == null) {
      why = "the fallback answered: no version's artifact made this score";
    } else {
      RegisteredVersion scored = state.version((Integer) prediction.get("version")).orElse(null);
      if (scored == null || !scored.sha256().equals(prediction.get("sha256").toString())) {
        why =
            "the registry has no version %s with sha256 %s"
                .formatted(prediction.get("version"), prediction.get("sha256"));
      } else {
        try {
          recomputed =
              Rescored.of(
                  ScoringModel.at(scoredAtMillis, scored, model, revisions),
                  scored,
                  VersionInputs.of(journal, model.name(), scored.version()),
                  inputs);
        } catch (IOException e) {
          why = e.getMessage();
        }
      }
    }
    EventEvidence.Label label = label(model, prediction, evidence);
    Object deployed = prediction.get("deployment_id");
    return new ShownPrediction(
        model,
        prediction,
        List.copyOf(searched),
        deployed == null ? null : state.deployment(deployed.toString()).orElse(null),
        recomputed,
        why,
        other == null
            ? null
            : Rescored.of(
                ScoringModel.at(scoredAtMillis, other, model, revisions),
                other,
                VersionInputs.of(journal, model.name(), other.version()),
                inputs),
        label,
        labelled(model, prediction, label));
  }

  private EventEvidence.@Nullable Label label(
      Model model, GenericRecord prediction, EventEvidence evidence) {
    Model.Label defined = model.label();
    return defined == null
        ? null
        : evidence.label(defined, eventId, untilMillis(defined, prediction)).orElse(null);
  }

  private static long untilMillis(Model.Label label, GenericRecord prediction) {
    return (Long) prediction.get("event_time") + label.labelWait().toMillis();
  }

  private static String labelled(
      Model model, GenericRecord prediction, EventEvidence.@Nullable Label label) {
    Model.Label defined = model.label();
    if (defined == null) {
      return "the model has none";
    }
    if (label != null) {
      return "%s, by the event of %s at %s:%d:%d"
          .formatted(
              label.value(),
              Instant.ofEpochMilli(label.timeMillis()),
              defined.source(),
              label.partition(),
              label.offset());
    }
    return "none has come in the archive of %s by %s"
        .formatted(defined.source(), Instant.ofEpochMilli(untilMillis(defined, prediction)));
  }
}
