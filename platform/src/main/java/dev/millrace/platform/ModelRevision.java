package dev.millrace.platform;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.RunningViews.Running;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A model as it was in one revision of its project, all of whose definitions are computed now. A
 * version that pins these definitions takes its inputs as this revision names them.
 *
 * @param views the definitions that the inputs read, by the view's name
 */
public record ModelRevision(int revision, Model model, Map<String, Running> views) {

  /**
   * The model as it is, then as it was when definitions that are kept were applied, the newest
   * first. A model that joins rows as of event time is only as it is: of its views nothing is kept.
   *
   * @throws IllegalArgumentException where a view that the model reads now is not applied
   */
  public static List<ModelRevision> of(Model model, RunningViews running) {
    List<ModelRevision> revisions = new ArrayList<>();
    revisions.add(current(model, running));
    for (ModelRevision was : earlier(model, running)) {
      if (!was.hasInputsOf(revisions.get(0))) {
        revisions.add(was);
      }
    }
    return List.copyOf(revisions);
  }

  /** The model as it was when definitions that are kept were applied, the newest first. */
  public static List<ModelRevision> earlier(Model model, RunningViews running) {
    List<ModelRevision> revisions = new ArrayList<>();
    if (model.features() == Model.FeatureReads.AS_OF) {
      return revisions;
    }
    running.all().stream()
        .filter(kept -> !kept.current())
        .sorted(Comparator.comparingInt(Running::revision).reversed())
        .forEach(
            kept -> {
              ModelRevision was = at(kept, model, running);
              if (was != null && revisions.stream().noneMatch(was::hasInputsOf)) {
                revisions.add(was);
              }
            });
    return List.copyOf(revisions);
  }

  private static ModelRevision current(Model model, RunningViews running) {
    Map<String, Running> views = new LinkedHashMap<>();
    for (String view : viewsOf(model)) {
      Running now =
          running.of(view).stream()
              .filter(Running::current)
              .findFirst()
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "Cannot read view "
                              + view
                              + " for model "
                              + model.name()
                              + ": it is not among the applied definitions; run ./millrace apply"));
      views.put(view, now);
    }
    int revision = views.values().stream().mapToInt(Running::revision).max().orElse(0);
    return new ModelRevision(revision, model, views);
  }

  /** The model when a kept definition was applied; null where not all that it read is computed. */
  private static @Nullable ModelRevision at(Running kept, Model model, RunningViews running) {
    Project project = kept.project();
    Model was = project.model(model.name()).orElse(null);
    if (was == null || !was.source().equals(model.source())) {
      return null;
    }
    Map<String, Running> views = new LinkedHashMap<>();
    for (String view : viewsOf(was)) {
      Optional<Running> read =
          view.equals(kept.view().name())
              ? Optional.of(kept)
              : project
                  .featureView(view)
                  .map(FeatureView::id)
                  .flatMap(id -> running.find(view, id));
      if (read.isEmpty()) {
        return null;
      }
      views.put(view, read.get());
    }
    return views.containsKey(kept.view().name())
        ? new ModelRevision(kept.revision(), was, views)
        : null;
  }

  /** The project as it was, where the inputs read a view that has its definition from then. */
  public Project project() {
    return views.values().stream()
        .filter(read -> read.revision() == revision)
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "Cannot tell the project of revision " + revision + ": no view is from then"))
        .project();
  }

  /** The definition id of each view that the inputs read. */
  public Map<String, String> ids() {
    Map<String, String> ids = new LinkedHashMap<>();
    views.forEach((view, read) -> ids.put(view, read.identity().id()));
    return ids;
  }

  private boolean hasInputsOf(ModelRevision other) {
    return ids().equals(other.ids())
        && model.inputs().equals(other.model.inputs())
        && model.missing().equals(other.model.missing())
        && model.missingTexts().equals(other.model.missingTexts())
        && Double.compare(model.missingDefault(), other.model.missingDefault()) == 0;
  }

  private static List<String> viewsOf(Model model) {
    return model.inputs().stream()
        .filter(Model.Input.OfView.class::isInstance)
        .map(input -> ((Model.Input.OfView) input).view())
        .distinct()
        .toList();
  }
}
