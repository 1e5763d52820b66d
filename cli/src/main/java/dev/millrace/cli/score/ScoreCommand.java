package dev.millrace.cli.score;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.PointInTime;
import dev.millrace.cli.ProgressLines;
import dev.millrace.cli.UserMistake;
import dev.millrace.cli.apply.PipelineBatch;
import dev.millrace.cli.apply.ProjectJobs;
import dev.millrace.cli.local.FlinkRest;
import dev.millrace.cli.look.FoundProject;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.lifecycle.RegisteredVersion;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code score MODEL --from T --to T}: a model's events of the past scored in batch mode. */
@Command(
    name = "score",
    description =
        "Scores a model's events of the past in batch mode on the cluster, with the stream's own"
            + " operator and features as of each event; to the table scores_<model>, or to a file.")
public final class ScoreCommand implements Callable<Integer> {

  private static final String ENTRY_CLASS = "dev.millrace.inference.ScoreJob";
  private static final DateTimeFormatter RUN_TIME =
      DateTimeFormatter.ofPattern("uuuuMMdd'T'HHmmss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(paramLabel = "MODEL", description = "The model's name.")
  private String name = "";

  @Option(
      names = "--from",
      paramLabel = "T",
      required = true,
      description = "The first event time that is scored.")
  private String from = "";

  @Option(
      names = "--to",
      paramLabel = "T",
      required = true,
      description = "The last one; 'now' for all that is there.")
  private String to = "";

  @Option(
      names = "--version",
      paramLabel = "V",
      description =
          "Scores all events with this version, whatever its status; who served each if left out.")
  private @Nullable Integer version;

  @Option(
      names = "--source",
      paramLabel = "archive|topic",
      description =
          "Where events are read: the archive in Iceberg (the default), or what the topic keeps.")
  private String source = "archive";

  @Option(
      names = "--out",
      paramLabel = "F.parquet",
      description = "Writes one Parquet file, in no order, in the place of the table.")
  private @Nullable Path out;

  @Option(
      names = "--parallelism",
      paramLabel = "N",
      description = "How many subtasks score; 2 if left out.")
  private int parallelism = 2;

  @Option(
      names = "--project",
      paramLabel = "P",
      description = "The project's folder or name, where the model is not to be looked for.")
  private @Nullable String project;

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    Instant first = PointInTime.parse("--from", from);
    Instant last = to.equals("now") ? Instant.now() : PointInTime.parse("--to", to);
    if (first == null || last == null || first.isAfter(last)) {
      throw new UserMistake(
          "Cannot score %s from %s to %s: that is backwards".formatted(name, from, to));
    }
    checkOptions();
    Target target = global.target();
    SubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
    Project owner =
        FoundProject.owning(
            "model", name, project, p -> p.model(name).isPresent(), target, registry);
    Model model = owner.model(name).orElseThrow();
    requireEvents(owner, model);
    requireScorer(model, new LifecycleLog(target, registry).models().get(name));
    Consumer<String> progress = new ProgressLines(spec.commandLine().getErr());
    String run = runId();
    long startNanos = System.nanoTime();
    Map<String, String> counts =
        new PipelineBatch(new FlinkRest(target.flink()), progress, ProjectJobs.INFERENCE)
            .run(
                "score model " + name,
                ENTRY_CLASS,
                arguments(owner, first, last, run),
                parallelism);
    ScoreSummary summary =
        ScoreSummary.of(
            name,
            run,
            out == null ? Warehouse.scores(owner.name(), name).toString() : out.toString(),
            counts,
            Duration.ofNanos(System.nanoTime() - startNanos));
    ObjectNode object = summary.json(new JsonMapper().createObjectNode());
    if (json) {
      spec.commandLine().getOut().println(object);
    } else {
      summary.lines().forEach(spec.commandLine().getOut()::println);
    }
    spec.commandLine().getOut().flush();
    return Millrace.DONE;
  }

  private void checkOptions() {
    if (!source.equals("archive") && !source.equals("topic")) {
      throw new UserMistake("Cannot score from %s: --source is archive or topic".formatted(source));
    }
    if (parallelism < 1) {
      throw new UserMistake(
          "Cannot score with %d subtasks: --parallelism is at least 1".formatted(parallelism));
    }
    if (out != null && Files.isDirectory(out)) {
      throw new UserMistake(
          "Cannot write scores to %s: it is a folder; name a file".formatted(out));
    }
  }

  private void requireEvents(Project owner, Model model) {
    Source found = owner.source(model.source()).orElseThrow();
    if (found.kind() != Source.Kind.KAFKA) {
      throw new UserMistake(
          "Cannot score %s: its source %s is no topic; only models on Kafka sources are scored so far"
              .formatted(name, found.name()));
    }
    if (source.equals("archive") && !found.archive()) {
      throw new UserMistake(
          "Cannot score %s from the archive: its source %s has none; set archive: true, or say --source topic for what the topic still keeps"
              .formatted(name, found.name()));
    }
  }

  private void requireScorer(Model model, @Nullable ModelState state) {
    if (version != null) {
      List<Integer> known =
          state == null
              ? List.of()
              : state.versions().stream().map(RegisteredVersion::version).toList();
      if (!known.contains(version)) {
        throw new UserMistake(
            "Cannot score %s with version %d: the registry has %s; correct --version, or ./millrace train %s"
                .formatted(name, version, known.isEmpty() ? "none" : known, name));
      }
    } else if (model.fallback() == null && (state == null || state.standing().isEmpty())) {
      throw new UserMistake(
          "Cannot score %s: no version of it is deployed and it has no fallback; ./millrace models promote %s VERSION, or name one with --version"
              .formatted(name, name));
    }
  }

  private List<String> arguments(Project owner, Instant first, Instant last, String run) {
    boolean folder = project != null && Files.exists(Path.of(project));
    List<String> arguments = new ArrayList<>();
    arguments.addAll(
        List.of("--project", folder ? Path.of(project).toAbsolutePath().toString() : owner.name()));
    arguments.addAll(List.of("--model", name, "--run", run, "--source", source));
    arguments.addAll(List.of("--from", String.valueOf(first.toEpochMilli())));
    arguments.addAll(List.of("--to", String.valueOf(last.toEpochMilli())));
    if (version != null) {
      arguments.addAll(List.of("--version", String.valueOf(version)));
    }
    if (out != null) {
      arguments.addAll(List.of("--out", out.toAbsolutePath().toString()));
    }
    return arguments;
  }

  /** A name that sorts by time. */
  private static String runId() {
    return "%s-%04x"
        .formatted(
            RUN_TIME.format(Instant.now()), ThreadLocalRandom.current().nextInt(1 << Short.SIZE));
  }
}
