package dev.millrace.drift.audit;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.ModelRevision;
import dev.millrace.platform.RunningViews;
import dev.millrace.platform.RunningViews.Running;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What the audits of a project need to know; it travels to the task.
 *
 * @param views as they are applied
 * @param inputs by model: those of the applied definitions, then those of earlier ones that
 *     versions still take
 * @param folder where mismatches are kept, as a path; null where there is none
 */
public record AuditPlan(
    String project,
    AuditOptions options,
    List<AuditedView> views,
    Map<String, List<Inputs>> inputs,
    @Nullable String folder)
    implements Serializable {

  /**
   * The inputs of a model in one revision.
   *
   * @param versions of the definitions that they read, by view
   * @param names of all of them
   */
  record Inputs(Map<String, String> versions, Set<String> names, List<InputOf> ofViews)
      implements Serializable {

    static Inputs of(ModelRevision revision) {
      Map<String, String> versions = new LinkedHashMap<>();
      revision.views().forEach((view, read) -> versions.put(view, read.identity().toString()));
      List<InputOf> ofViews = new ArrayList<>();
      for (Model.Input input : revision.model().inputs()) {
        // Only numbers are compared.
        if (input instanceof Model.Input.OfView ofView && !ofView.isText()) {
          ofViews.add(new InputOf(ofView.name(), ofView.view(), ofView.feature()));
        }
      }
      return new Inputs(
          Map.copyOf(versions),
          revision.model().inputs().stream()
              .filter(input -> !input.isVector())
              .map(Model.Input::name)
              .collect(Collectors.toUnmodifiableSet()),
          List.copyOf(ofViews));
    }
  }

  /** An input of a model that is a feature of a view. */
  record InputOf(String input, String view, String feature) implements Serializable {}

  /**
   * The plan of a project.
   *
   * @param running the definitions that are computed
   */
  public static AuditPlan of(
      Project project, RunningViews running, AuditOptions options, @Nullable String folder) {
    Map<String, AuditedView> views = new LinkedHashMap<>();
    Map<String, List<Inputs>> inputs = new LinkedHashMap<>();
    for (Model model : project.models()) {
      List<ModelRevision> revisions = ModelRevision.of(model, running);
      for (ModelRevision revision : revisions) {
        for (String view : revision.views().keySet()) {
          running.of(view).stream()
              .filter(Running::current)
              .findFirst()
              .ifPresent(now -> views.computeIfAbsent(view, v -> audited(now)));
        }
      }
      inputs.put(model.name(), List.copyOf(revisions.stream().map(Inputs::of).toList()));
    }
    return new AuditPlan(
        project.name(), options, List.copyOf(views.values()), Map.copyOf(inputs), folder);
  }

  private static AuditedView audited(Running running) {
    String read = running.view().source();
    Source source =
        running
            .project()
            .source(read)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "Cannot audit view "
                            + running.view().name()
                            + ": "
                            + read
                            + " is not applied; run ./millrace apply"));
    return AuditedView.of(source, running.view(), running.identity().toString());
  }

  /**
   * Which of a model's inputs a prediction was made with; null where none fit.
   *
   * @param versions of the rows that it was served from, by view
   * @param names of its inputs
   */
  @Nullable Inputs inputs(String model, Map<String, String> versions, Set<String> names) {
    Inputs alike = null;
    for (Inputs one : inputs.getOrDefault(model, List.of())) {
      if (one.names().equals(names)) {
        if (one.versions().entrySet().containsAll(versions.entrySet())) {
          return one;
        }
        alike = alike == null ? one : alike;
      }
    }
    return alike;
  }

  @Nullable AuditedView view(String name) {
    return views.stream().filter(v -> v.view().equals(name)).findFirst().orElse(null);
  }
}
