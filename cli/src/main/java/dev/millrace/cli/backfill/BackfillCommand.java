package dev.millrace.cli.backfill;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.PointInTime;
import dev.millrace.cli.ProgressLines;
import dev.millrace.cli.UserMistake;
import dev.millrace.cli.apply.PipelineBatch;
import dev.millrace.cli.local.FlinkRest;
import dev.millrace.cli.look.FoundProject;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code backfill VIEW --from T --to T [--to-redis]}: rows computed again from the archive. */
@Command(
    name = "backfill",
    description =
        "Computes a view's rows again from the archive of its source, in batch mode on the cluster:"
            + " adds to the log what it lacks at its beginning, and compares the rest with it.")
public final class BackfillCommand implements Callable<Integer> {

  private static final String ENTRY_CLASS = "dev.millrace.pipeline.BackfillJob";
  private static final int DIFFERENT = 1;
  private static final List<String> COUNTS =
      List.of(
          "rows",
          "same",
          "appended",
          "different",
          "notLogged",
          "entities",
          "events",
          "late",
          "filtered",
          "keyless",
          "tooMany");

  private static final Map<String, String> JSON_NAMES =
      Map.of("notLogged", "not_logged", "tooMany", "too_many");

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(paramLabel = "VIEW", description = "The view's name.")
  private String view = "";

  @Option(
      names = "--from",
      paramLabel = "T",
      required = true,
      description = "The first T (event time) of a row that is computed.")
  private String from = "";

  @Option(
      names = "--to",
      paramLabel = "T",
      required = true,
      description = "The last one; 'now' for all that is there.")
  private String to = "";

  @Option(
      names = "--to-redis",
      description =
          "Also writes the last row of each entity to Redis, guarded: no row steps back. First waits"
              + " until the archive has all that was read so far.")
  private boolean toRedis;

  @Option(
      names = "--project",
      paramLabel = "P",
      description = "The project's folder or name, where the view is not to be looked for.")
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
          "Cannot backfill %s from %s to %s: that is backwards".formatted(view, from, to));
    }
    Target target = global.target();
    Project owner =
        FoundProject.owning(
            "view",
            view,
            project,
            p -> p.featureView(view).isPresent(),
            target,
            new ConfluentSubjectRegistry(target.schemaRegistry()));
    requireArchive(owner);
    Consumer<String> progress = new ProgressLines(spec.commandLine().getErr());
    FlinkRest flink = new FlinkRest(target.flink());
    long startNanos = System.nanoTime();
    if (toRedis) {
      ArchiveWait.until(flink, owner.name(), progress);
    }
    Map<String, String> counts =
        new PipelineBatch(flink, progress)
            .run("backfill view " + view, ENTRY_CLASS, arguments(owner, first, last));
    Duration took = Duration.ofNanos(System.nanoTime() - startNanos);
    print(owner, counts, took);
    return count(counts, "different") > 0 ? DIFFERENT : Millrace.DONE;
  }

  private void requireArchive(Project owner) {
    FeatureView found = owner.featureView(view).orElseThrow();
    Source source = owner.origin(found);
    if (source.kind() != Source.Kind.KAFKA) {
      throw new CommandFailed(
          "Cannot backfill view %s: its source %s is a table or files, which the job reads from their beginning; only views on Kafka sources, and views over them, are backfilled so far"
              .formatted(view, source.name()));
    }
    if (!source.archive()) {
      throw new CommandFailed(
          "Cannot backfill view %s: its source %s has no archive; set archive: true, from then on its events are kept"
              .formatted(view, source.name()));
    }
  }

  private List<String> arguments(Project owner, Instant first, Instant last) {
    List<String> arguments = new ArrayList<>();
    boolean folder = project != null && Files.exists(Path.of(project));
    arguments.addAll(
        List.of("--project", folder ? Path.of(project).toAbsolutePath().toString() : owner.name()));
    arguments.addAll(List.of("--view", view));
    arguments.addAll(List.of("--from", String.valueOf(first.toEpochMilli())));
    arguments.addAll(List.of("--to", String.valueOf(last.toEpochMilli())));
    arguments.addAll(List.of("--to-redis", String.valueOf(toRedis)));
    return arguments;
  }

  private static long count(Map<String, String> counts, String name) {
    return Long.parseLong(counts.getOrDefault(name, "0"));
  }

  private void print(Project owner, Map<String, String> counts, Duration took) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      ObjectNode object = new JsonMapper().createObjectNode();
      object.put("view", view).put("project", owner.name());
      for (String name : COUNTS) {
        object.put(JSON_NAMES.getOrDefault(name, name), count(counts, name));
      }
      object.put("to_redis", toRedis).put("seconds", took.toMillis() / 1000.0);
      out.println(object);
    } else {
      out.printf(
          Locale.ROOT,
          "%s: %,d rows of %,d entities from %,d events in %.1f s%n",
          view,
          count(counts, "rows"),
          count(counts, "entities"),
          count(counts, "events"),
          took.toMillis() / 1000.0);
      out.printf(
          Locale.ROOT,
          "  appended to the log %,d; there already %,d; of the log's time but not in it %,d; different from it %,d%n",
          count(counts, "appended"),
          count(counts, "same"),
          count(counts, "notLogged"),
          count(counts, "different"));
      out.printf(
          Locale.ROOT,
          "  left out: late %,d, by the filter %,d, without a key %,d, too many for their entity %,d%n",
          count(counts, "late"),
          count(counts, "filtered"),
          count(counts, "keyless"),
          count(counts, "tooMany"));
      if (count(counts, "different") > 0) {
        out.println(
            "  rows of one T and the same positions differ: what the log says is not what its"
                + " events say; please report it with both rows");
      }
    }
    out.flush();
  }
}
