package dev.millrace.platform;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.DefinitionsLog.KeptView;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.platform.PinnedViews.Pin;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What an apply does to the definitions of views that are computed.
 *
 * @param lines for people
 * @param changed views that exist and would compute something else, dropped ones too
 * @param begun views whose definition is not computed now
 * @param kept earlier definitions that go on because versions pin them
 * @param released definitions that are computed now and would be no more
 */
record ViewChanges(
    List<String> lines,
    List<String> changed,
    List<String> begun,
    List<KeptView> kept,
    List<KeptView> released) {

  /**
   * @param previous what is applied; null where nothing is
   * @param pinned what versions pin; null keeps all that is kept
   */
  static ViewChanges of(Project project, @Nullable Applied previous, @Nullable PinnedViews pinned) {
    ViewChanges changes =
        new ViewChanges(
            new ArrayList<>(),
            new ArrayList<>(),
            new ArrayList<>(),
            new ArrayList<>(),
            new ArrayList<>());
    for (FeatureView view : project.featureViews()) {
      changes.compare(view, previous);
    }
    if (previous != null) {
      for (String view : new TreeSet<>(previous.views().keySet())) {
        ViewIdentity before = previous.views().get(view);
        if (project.featureView(view).isEmpty()) {
          changes.lines.add("feature view " + view + ": dropped");
          changes.changed.add(view);
        }
        if (before != null && !isApplied(project, view, before.id())) {
          changes.decide(new KeptView(view, before, previous.revision()), pinned);
        }
      }
      for (KeptView kept : previous.kept()) {
        if (!isApplied(project, kept.view(), kept.identity().id())) {
          changes.decide(kept, pinned);
        }
      }
    }
    return changes;
  }

  private void compare(FeatureView view, @Nullable Applied previous) {
    ViewIdentity before = previous == null ? null : previous.views().get(view.name());
    boolean runs =
        previous != null
            && identities(previous, view.name()).stream().anyMatch(i -> i.id().equals(view.id()));
    if (!runs) {
      begun.add(view.name());
    }
    if (before == null) {
      lines.add("feature view " + view.name() + ": " + (runs ? "applied again" : "new"));
    } else if (!before.id().equals(view.id())) {
      lines.add(
          "feature view %s: changed, %s -> %s%s"
              .formatted(
                  view.name(), before.id(), view.id(), runs ? ", which is computed already" : ""));
      changed.add(view.name());
    }
  }

  private void decide(KeptView view, @Nullable PinnedViews pinned) {
    List<Pin> pins = pinned == null ? List.of() : pinned.of(view.view(), view.identity().id());
    if (pinned == null) {
      kept.add(view);
    } else if (pins.isEmpty()) {
      released.add(view);
      lines.add(
          "feature view %s: definition %s ends, no version that may serve pins it"
              .formatted(view.view(), view.identity().id()));
    } else {
      kept.add(view);
      if (changed.contains(view.view())) {
        lines.add(
            "feature view %s: definition %s goes on, pinned by %s"
                .formatted(
                    view.view(),
                    view.identity().id(),
                    pins.stream().map(Pin::toString).distinct().collect(Collectors.joining(", "))));
      }
    }
  }

  private static boolean isApplied(Project project, String view, String id) {
    return project.featureView(view).filter(v -> v.id().equals(id)).isPresent();
  }

  /** Every identity of a view that an applied project computes. */
  static List<ViewIdentity> identities(Applied applied, String view) {
    List<ViewIdentity> identities = new ArrayList<>();
    ViewIdentity current = applied.views().get(view);
    if (current != null) {
      identities.add(current);
    }
    applied.kept().stream()
        .filter(k -> k.view().equals(view))
        .map(KeptView::identity)
        .forEach(identities::add);
    return identities;
  }
}
