package dev.millrace.cli.score;

import dev.millrace.core.definition.DefinitionException;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.lifecycle.RegisteredVersion;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.DefinitionsLog.KeptView;
import dev.millrace.platform.ModelRevision;
import dev.millrace.platform.RunningViews;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;

/**
 * A model's definition as a version scored with it: of the revision that was applied then, and of
 * those definitions that it kept the one that the version pins. It says what stands in the place of
 * an input that is missing, which may have changed since.
 *
 * @param notes why it is today's after all, for people
 */
record ScoringModel(Model model, List<String> notes) {

  /**
   * The definition at a time.
   *
   * @param today where those of then are not to be had
   * @param revisions of the model's project, by their number
   */
  static ScoringModel at(
      long scoredAtMillis,
      RegisteredVersion version,
      Model today,
      NavigableMap<Integer, Applied> revisions) {
    Applied then = null;
    for (Applied revision : revisions.values()) {
      if (revision.appliedAtMillis() <= scoredAtMillis) {
        then = revision;
      }
    }
    if (then == null) {
      return todays(today, "no revision is known that was applied before");
    }
    try {
      Project project = Definitions.read(then.files());
      Model model = project.model(today.name()).orElse(null);
      if (model == null) {
        return todays(today, "revision " + then.revision() + " has no such model");
      }
      Map<Integer, Project> earlier = new HashMap<>();
      for (KeptView kept : then.kept()) {
        earlier.put(
            kept.revision(),
            Definitions.read(Objects.requireNonNull(revisions.get(kept.revision())).files()));
      }
      for (ModelRevision revision :
          ModelRevision.of(model, RunningViews.of(project, then, earlier))) {
        if (revision.ids().entrySet().containsAll(version.views().entrySet())) {
          return new ScoringModel(revision.model(), List.of());
        }
      }
      return todays(today, "no definition of then is what the version was trained on");
    } catch (DefinitionException | IllegalStateException | IllegalArgumentException e) {
      return todays(today, String.valueOf(e.getMessage()));
    }
  }

  private static ScoringModel todays(Model today, String why) {
    return new ScoringModel(
        today, List.of("inputs that were missing are replaced as is defined today: " + why));
  }
}
