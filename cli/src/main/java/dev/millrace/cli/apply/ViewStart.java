package dev.millrace.cli.apply;

import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.UserMistake;
import dev.millrace.cli.local.FlinkRest;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.Installation;
import dev.millrace.platform.Target;
import dev.millrace.platform.WarmReach;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How views begin that were not computed so far, in a project that runs: from the archive, so that
 * their rows are right from the first on, or with empty windows.
 *
 * @param warm the views that are computed from the archive first
 * @param archived every view of the project that can be
 * @param notes what to say of the others
 */
record ViewStart(List<String> warm, List<String> archived, List<String> notes) {

  private static final String ENTRY_CLASS = "dev.millrace.pipeline.WarmJob";

  /**
   * How the views of a plan begin.
   *
   * @param cold whether windows may be empty where they need not be
   * @throws UserMistake where one has no archive to begin from
   */
  static ViewStart of(Project project, Installation.Plan plan, Target target, boolean cold) {
    List<String> warm = new ArrayList<>();
    List<String> notes = new ArrayList<>();
    List<String> archived =
        project.featureViews().stream()
            .filter(v -> isArchived(source(project, v)))
            .map(FeatureView::name)
            .toList();
    Applied previous = plan.previous();
    if (previous != null) {
      for (String name : plan.begun()) {
        FeatureView view = project.featureView(name).orElseThrow();
        Source source = source(project, view);
        if (plan.newTopics().contains(source.topic())) {
          continue;
        }
        if (archived.contains(name) && !cold) {
          refuseOutOfReach(project, view, target);
          warm.add(name);
        } else if (source.kind() == Source.Kind.KAFKA && !cold) {
          refuseOutOfReach(project, view, target);
        } else {
          notes.add(
              "feature view %s: its windows fill as events come%s"
                  .formatted(
                      name,
                      cold ? "" : ", because source " + source.name() + " is not replayed for it"));
        }
      }
    }
    return new ViewStart(warm, archived, notes);
  }

  private static void refuseOutOfReach(Project project, FeatureView view, Target target) {
    try {
      Source unusedSource = WarmReach.source(project, view);
      WarmReach.check(target, project, view);
    } catch (IllegalStateException e) {
      throw new UserMistake(
          "Cannot apply project %s: %s; or apply with --cold, then its windows fill as events come"
              .formatted(project.name(), e.getMessage()),
          e);
    }
  }

  private static boolean isArchived(Source source) {
    return source.kind() == Source.Kind.KAFKA && source.archive();
  }

  private static Source source(Project project, FeatureView view) {
    return project.source(view.source()).orElseThrow();
  }

  /** The feature pipeline's start with the state of the views that begin. */
  ProjectJobs.Start warmed(
      ProjectJobs.Start start,
      Project project,
      Installation.Plan plan,
      FlinkRest flink,
      Consumer<String> progress)
      throws IOException {
    ProjectJobs.Start next = plan.released().isEmpty() ? start : start.lettingGo();
    @Nullable String savepoint = start.from();
    // An apply that was interrupted may not have come to this; what is warm already is left out.
    boolean resumed = start.letsGo() && plan.begun().isEmpty();
    List<String> views = resumed ? archived : warm;
    if (savepoint == null || views.isEmpty()) {
      return next;
    }
    progress.accept(
        "feature-pipeline: computing %s from the archive".formatted(String.join(", ", views)));
    String out =
        savepoint.replaceAll("/+$", "") + "-warm-" + UUID.randomUUID().toString().substring(0, 8);
    long startNanos = System.nanoTime();
    Map<String, String> counts =
        new PipelineBatch(flink, progress)
            .run(
                "compute " + String.join(", ", views) + " from the archive",
                ENTRY_CLASS,
                List.of(
                    "--project",
                    project.name(),
                    "--savepoint",
                    savepoint,
                    "--out",
                    out,
                    "--views",
                    String.join(",", views)));
    progress.accept(
        "feature-pipeline: %,d entities from %,d events in %.1f s"
            .formatted(
                Long.parseLong(counts.getOrDefault("entities", "0")),
                Long.parseLong(counts.getOrDefault("events", "0")),
                (System.nanoTime() - startNanos) / 1e9));
    long different = Long.parseLong(counts.getOrDefault("different", "0"));
    if (different > 0) {
      throw new CommandFailed(
          "Cannot go on with %s: %,d rows of the log differ from those that the archive gives at the same T and positions; please report it"
              .formatted(String.join(", ", views), different));
    }
    return next.goingOnFrom(out);
  }
}
