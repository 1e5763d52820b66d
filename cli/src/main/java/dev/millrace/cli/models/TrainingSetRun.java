package dev.millrace.cli.models;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.UserMistake;
import dev.millrace.cli.apply.PipelineBatch;
import dev.millrace.cli.local.FlinkRest;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/** One training set, joined on the cluster by the second main class of the pipeline's jar. */
final class TrainingSetRun {

  private static final String ENTRY_CLASS = "dev.millrace.pipeline.TrainingSetJob";
  private static final JsonMapper JSON = new JsonMapper();

  private final FlinkRest flink;
  private final Consumer<String> progress;

  TrainingSetRun(FlinkRest flink, Consumer<String> progress) {
    this.flink = flink;
    this.progress = progress;
  }

  /**
   * Joins and waits.
   *
   * @return what is known about the set
   */
  ObjectNode join(String project, List<String> request, Path out) throws IOException {
    List<String> args = new ArrayList<>(List.of("--project", project));
    args.addAll(List.of("--out", out.toString()));
    args.addAll(request);
    Map<String, String> counts =
        new PipelineBatch(flink, progress).run("join " + out, ENTRY_CLASS, args);
    ObjectNode set = (ObjectNode) JSON.readTree(Files.readString(sidecar(out)));
    for (String name : List.of("events", "repeats", "unlabelled", "unscored")) {
      if (counts.containsKey(name)) {
        set.put(name, Long.parseLong(counts.get(name)));
      }
    }
    return set;
  }

  /** The snapshots that an earlier set read, as arguments, from what stands beside it. */
  static List<String> snapshots(Path sidecar) {
    Map<String, JsonNode> snapshots = from(sidecar, "millrace.snapshots");
    if (snapshots.isEmpty()) {
      throw new UserMistake(
          "Cannot find snapshots in %s: name the .json that stands beside a training set"
              .formatted(sidecar));
    }
    List<String> arguments = new ArrayList<>();
    snapshots.forEach(
        (table, id) -> arguments.addAll(List.of("--snapshot", table + "=" + id.asLong())));
    return arguments;
  }

  /** Refuses to join an earlier set again with views that have changed since. */
  static void requireSameDefinitions(Path sidecar, Project project) {
    from(sidecar, "millrace.definitions")
        .forEach(
            (view, id) -> {
              String now = project.featureView(view).map(FeatureView::id).orElse("none");
              if (!now.equals(id.asText())) {
                throw new UserMistake(
                    "Cannot join the set of %s again: view %s was %s and is %s; join a new set"
                        .formatted(sidecar, view, id.asText(), now));
              }
            });
  }

  private static Map<String, JsonNode> from(Path sidecar, String what) {
    Map<String, JsonNode> found = new TreeMap<>();
    try {
      JsonNode from = JSON.readTree(Files.readString(sidecar)).path("from");
      JSON.readTree(from.path(what).asText("{}"))
          .properties()
          .forEach(e -> found.put(e.getKey(), e.getValue()));
      return found;
    } catch (IOException e) {
      throw new UserMistake(
          "Cannot read %s: %s; name the .json that stands beside a training set"
              .formatted(sidecar, e.getMessage()),
          e);
    }
  }

  static Path sidecar(Path out) {
    return out.resolveSibling(out.getFileName() + ".json");
  }
}
