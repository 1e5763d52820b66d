package dev.millrace.registry.tracking;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.tracking.Run;
import dev.millrace.registry.mlflow.MlflowError;
import dev.millrace.registry.mlflow.MlflowRequest;
import dev.millrace.registry.mlflow.PageToken;
import dev.millrace.registry.mlflow.PageToken.Page;
import dev.millrace.registry.mlflow.Searches;
import dev.millrace.registry.search.Fields;
import dev.millrace.registry.search.Fields.Field;
import dev.millrace.registry.search.Fields.ValueType;
import dev.millrace.registry.search.Filter;
import dev.millrace.registry.search.Filter.Subject;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The search for runs of several experiments. */
final class RunSearch {

  private static final int RESULTS = 1_000;
  private static final int RESULTS_MAX = 50_000;
  private static final int EXPERIMENTS_MAX = 1_000;

  /** Metrics, parameters and tags in one answer; it has fewer runs where they have more. */
  private static final int ITEMS_MAX = 500_000;

  private static final Fields FIELDS =
      new Fields(
          Map.ofEntries(
              Map.entry("run_id", ValueType.TEXT),
              Map.entry("run_name", ValueType.TEXT),
              Map.entry("run name", ValueType.TEXT),
              Map.entry("Run name", ValueType.TEXT),
              Map.entry("Run Name", ValueType.TEXT),
              Map.entry("status", ValueType.TEXT),
              Map.entry("user_id", ValueType.TEXT),
              Map.entry("artifact_uri", ValueType.TEXT),
              Map.entry("start_time", ValueType.NUMBER),
              Map.entry("created", ValueType.NUMBER),
              Map.entry("Created", ValueType.NUMBER),
              Map.entry("end_time", ValueType.NUMBER)),
          Map.of(
              "metrics",
              ValueType.NUMBER,
              "params",
              ValueType.TEXT,
              "tags",
              ValueType.TEXT,
              "datasets",
              ValueType.TEXT),
          Set.of("run_id", "datasets.name", "datasets.digest", "datasets.context"));

  private final TrackingCommands commands;

  RunSearch(TrackingCommands commands) {
    this.commands = commands;
  }

  ObjectNode answer(MlflowRequest request) {
    int max = request.maxResults(RESULTS, RESULTS_MAX);
    ViewType view = ViewType.of(request, "run_view_type");
    Filter filter = Searches.filter(request, FIELDS);
    Comparator<TrackedRun> order =
        Searches.order(
            request,
            FIELDS,
            RunSearch::subject,
            Comparator.<TrackedRun, Long>comparing(
                    r -> r.run().startedAtMillis(), Comparator.nullsLast(Comparator.reverseOrder()))
                .thenComparing(TrackedRun::id));
    List<String> experiments = request.texts("experiment_ids").stream().distinct().toList();
    if (experiments.size() > EXPERIMENTS_MAX) {
      throw MlflowError.invalid("experiment_ids has more than " + EXPERIMENTS_MAX + " ids");
    }
    List<TrackedRun> found =
        experiments.stream()
            .flatMap(commands.tracking()::runs)
            .filter(r -> view.shows(commands.isDeleted(r)))
            .filter(r -> filter.accepts(subject(r)))
            .sorted(order)
            .toList();
    int offset = request.offset();
    Page<TrackedRun> page = PageToken.page(found, offset, fitting(found, offset, max));
    ObjectNode json = TrackingJson.object();
    ArrayNode runs = json.putArray("runs");
    page.items().forEach(r -> runs.add(TrackingJson.run(r, commands.isDeleted(r))));
    if (!page.next().isEmpty()) {
      json.put("next_page_token", page.next());
    }
    return json;
  }

  private static int fitting(List<TrackedRun> found, int offset, int max) {
    long items = 0;
    int count = 0;
    while (count < max && offset + count < found.size()) {
      TrackedRun run = found.get(offset + count);
      items += run.metrics().series().size() + run.run().params().size() + run.run().tags().size();
      if (count > 0 && items > ITEMS_MAX) {
        return count;
      }
      count++;
    }
    return Math.max(1, count);
  }

  private static Subject subject(TrackedRun run) {
    return field -> value(run, field);
  }

  private static @Nullable Object value(TrackedRun tracked, Field field) {
    Run run = tracked.run();
    return switch (field.group()) {
      case "metrics" ->
          tracked.metrics().series(field.name()).map(s -> s.latest().value()).orElse(null);
      case "params" -> run.params().get(field.name());
      case "tags" -> run.tags().get(field.name());
      case "datasets" -> datasets(run, field.name());
      default -> attribute(run, field.name());
    };
  }

  private static @Nullable Object attribute(Run run, String name) {
    return switch (name) {
      case "run_id" -> run.id();
      case "run_name", "run name", "Run name", "Run Name" -> run.name();
      case "status" -> run.status().name();
      case "user_id" -> run.userId();
      case "artifact_uri" -> run.artifactUri();
      case "end_time" -> run.endedAtMillis();
      default -> run.startedAtMillis();
    };
  }

  /** All of them: a comparison holds where it does of one. */
  private static @Nullable Object datasets(Run run, String name) {
    Function<Run.Dataset, String> part =
        switch (name) {
          case "name" -> Run.Dataset::name;
          case "digest" -> Run.Dataset::digest;
          case "context" -> d -> d.tags().getOrDefault(Run.Dataset.CONTEXT_TAG, "");
          default ->
              throw MlflowError.invalid(
                  "Invalid dataset key '"
                      + name
                      + "' specified. Valid keys are context, digest, name");
        };
    List<String> all = run.datasets().stream().map(part).filter(t -> !t.isEmpty()).toList();
    return all.isEmpty() ? null : all;
  }
}
