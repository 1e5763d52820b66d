package dev.millrace.inference;

import dev.millrace.core.definition.DefinitionException;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.DefinitionsLog;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.RunningViews;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The plans of all models of all applied projects. A plan is made once for each revision of its
 * project. For one thread.
 */
final class AppliedModels {

  private static final Logger LOG = LoggerFactory.getLogger(AppliedModels.class);

  private Map<String, Planned> projects = Map.of();

  private record Planned(
      Applied applied, Map<String, ScoringPlan> plans, Map<String, String> problems) {}

  /** Takes the projects as they are applied now. */
  void take(DefinitionsLog log) {
    Map<String, Planned> next = new HashMap<>();
    for (Applied applied : log.latest().values()) {
      Planned known = projects.get(applied.project());
      next.put(
          applied.project(),
          known != null && known.applied.equals(applied) ? known : planned(applied, log));
    }
    projects = next;
  }

  Map<String, ScoringPlan> plans() {
    Map<String, ScoringPlan> all = new HashMap<>();
    projects.values().forEach(p -> all.putAll(p.plans));
    return all;
  }

  /** By model that cannot be scored: why. */
  Map<String, String> problems() {
    Map<String, String> all = new HashMap<>();
    projects.values().forEach(p -> all.putAll(p.problems));
    return all;
  }

  private static Planned planned(Applied applied, DefinitionsLog log) {
    Map<String, ScoringPlan> plans = new HashMap<>();
    Map<String, String> problems = new HashMap<>();
    Project project;
    try {
      project = Definitions.read(applied.files());
    } catch (DefinitionException e) {
      // A function of the user's that this process does not have.
      LOG.error("Cannot score models of project {} on request", applied.project(), e);
      return new Planned(applied, plans, problems);
    }
    try {
      RunningViews running = RunningViews.read(project, applied, log);
      for (Model model : project.models()) {
        plan(project, model, running, plans, problems);
      }
    } catch (IOException | IllegalStateException e) {
      LOG.error("Cannot score models of project {} on request", applied.project(), e);
      project.models().forEach(m -> problems.put(m.name(), String.valueOf(e.getMessage())));
    }
    return new Planned(applied, plans, problems);
  }

  private static void plan(
      Project project,
      Model model,
      RunningViews running,
      Map<String, ScoringPlan> plans,
      Map<String, String> problems) {
    try {
      plans.put(model.name(), ScoringPlan.of(project, model, running, false, InferenceJob.STAGE));
    } catch (IllegalArgumentException | IllegalStateException e) {
      LOG.error("Cannot score model {} on request", model.name(), e);
      problems.put(model.name(), String.valueOf(e.getMessage()));
    }
  }
}
