package dev.millrace.platform;

import dev.millrace.core.definition.DefinitionException;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.DefinitionsLog.KeptView;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Every definition of a project's views that is computed: the applied ones, and those of earlier
 * revisions that versions of models pin.
 *
 * <p>Of a view's definitions the oldest has the view's own key in Redis, each other one a key with
 * its id, so that nothing that reads the oldest notices the others.
 */
public final class RunningViews {

  /**
   * A definition that is computed.
   *
   * @param project as it was at {@code revision}
   * @param current whether it is the applied one
   * @param key the last part of its keys in Redis: the view's name, or {@code <view>@<id>}
   */
  public record Running(
      Project project,
      int revision,
      FeatureView view,
      ViewIdentity identity,
      boolean current,
      String key) {}

  private final List<Running> all;

  private RunningViews(List<Running> all) {
    this.all = List.copyOf(all);
  }

  /** A project of which nothing older is computed. */
  public static RunningViews only(Project project, Map<String, ViewIdentity> identities) {
    return of(
        project,
        new Applied(project.name(), 1, 0, identities, List.of(), Map.of(), Map.of()),
        Map.of());
  }

  /**
   * What an applied project computes.
   *
   * @throws IOException where the definitions of an earlier revision cannot be read any more
   */
  public static RunningViews read(Project project, Applied applied, DefinitionsLog log)
      throws IOException {
    Map<Integer, Project> earlier = new HashMap<>();
    if (!applied.kept().isEmpty()) {
      NavigableMap<Integer, Applied> revisions = log.revisions(project.name());
      for (KeptView kept : applied.kept()) {
        if (!earlier.containsKey(kept.revision())) {
          earlier.put(kept.revision(), parsed(kept, revisions.get(kept.revision())));
        }
      }
    }
    return of(project, applied, earlier);
  }

  private static Project parsed(KeptView kept, @Nullable Applied revision) throws IOException {
    String what =
        "Cannot read the definition %s of view %s, which versions of models pin, from revision %d of the project"
            .formatted(kept.identity().id(), kept.view(), kept.revision());
    if (revision == null) {
      throw new IOException(what + ": " + Topics.DEFINITIONS + " has no such revision");
    }
    try {
      return Definitions.read(revision.files());
    } catch (DefinitionException e) {
      throw new IOException(
          what + "; install again the functions that it uses:\n" + e.getMessage(), e);
    }
  }

  /**
   * What an applied project computes.
   *
   * @param earlier the project as it was, by the revisions of what is kept
   */
  public static RunningViews of(Project project, Applied applied, Map<Integer, Project> earlier) {
    List<Running> found = new ArrayList<>();
    Map<String, Map<String, String>> keys = keys(applied);
    for (FeatureView view : project.featureViews()) {
      ViewIdentity identity = applied.views().get(view.name());
      if (identity != null && identity.id().equals(view.id())) {
        found.add(new Running(project, applied.revision(), view, identity, true, key(keys, view)));
      }
    }
    for (KeptView kept : applied.kept()) {
      Project at = earlier.get(kept.revision());
      FeatureView view =
          Optional.ofNullable(at)
              .flatMap(p -> p.featureView(kept.view()))
              .filter(v -> v.id().equals(kept.identity().id()))
              .orElseThrow(
                  () ->
                      new IllegalStateException(
                          "Cannot find definition %s of view %s in revision %d of project %s"
                              .formatted(
                                  kept.identity().id(),
                                  kept.view(),
                                  kept.revision(),
                                  project.name())));
      found.add(
          new Running(
              Objects.requireNonNull(at),
              kept.revision(),
              view,
              kept.identity(),
              false,
              key(keys, view)));
    }
    found.sort(Comparator.comparingLong(r -> r.identity().epoch()));
    return new RunningViews(found);
  }

  /**
   * The last part of the keys in Redis of everything that an applied project computes.
   *
   * @return by view, then by definition id
   */
  public static Map<String, Map<String, String>> keys(Applied applied) {
    Map<String, Map<String, String>> keys = new TreeMap<>();
    Set<String> views = new TreeSet<>(applied.views().keySet());
    applied.kept().forEach(k -> views.add(k.view()));
    for (String view : views) {
      List<ViewIdentity> identities = ViewChanges.identities(applied, view);
      identities.sort(Comparator.comparingLong(ViewIdentity::epoch));
      Map<String, String> ofView = new TreeMap<>();
      for (int i = 0; i < identities.size(); i++) {
        String id = identities.get(i).id();
        ofView.put(id, i == 0 ? view : view + "@" + id);
      }
      keys.put(view, ofView);
    }
    return keys;
  }

  private static String key(Map<String, Map<String, String>> keys, FeatureView view) {
    return keys.getOrDefault(view.name(), Map.of()).getOrDefault(view.id(), view.name());
  }

  /** All of them, the oldest first. */
  public List<Running> all() {
    return all;
  }

  /** The definitions of one view, the oldest first. */
  public List<Running> of(String view) {
    return all.stream().filter(r -> r.view().name().equals(view)).toList();
  }

  /** Those that are not the applied ones. */
  public List<Running> kept() {
    return all.stream().filter(r -> !r.current()).toList();
  }

  /**
   * The applied definition of a view.
   *
   * @throws IllegalStateException where the project's definition is not what was applied
   */
  public Running current(String view) {
    return of(view).stream()
        .filter(Running::current)
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "Cannot use view %s: its definition is not the applied one; run ./millrace apply"
                        .formatted(view)));
  }

  /** The definition with an id, where it is computed. */
  public Optional<Running> find(String view, String id) {
    return of(view).stream().filter(r -> r.view().id().equals(id)).findFirst();
  }
}
