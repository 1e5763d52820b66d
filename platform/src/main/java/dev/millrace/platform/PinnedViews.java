package dev.millrace.platform;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.lifecycle.DecidedDeployment;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.lifecycle.RegisteredVersion;
import dev.millrace.core.rollout.RolloutStep.Phase;
import dev.millrace.core.rollout.RolloutStep.Verdict;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * Which definitions of views the versions pin that serve, or may have to: champions, canaries,
 * shadows, and who would come back while a champion is on probation.
 */
public final class PinnedViews {

  /** Rollout steps are kept for seven days, so what tells of a probation's end may be gone. */
  private static final Duration STEPS_KEPT = Duration.ofDays(7);

  private final List<Pin> pins;

  private PinnedViews(List<Pin> pins) {
    this.pins = List.copyOf(pins);
  }

  /** That a version needs a definition of a view. */
  public record Pin(String model, int version, String view, String id) {
    @Override
    public String toString() {
      return "version " + version + " of model " + model;
    }
  }

  /** Nobody pins anything. */
  public static PinnedViews none() {
    return new PinnedViews(List.of());
  }

  /** What the versions of a project's models pin now. */
  public static PinnedViews read(Target target, SubjectRegistry registry, Project project) {
    if (project.models().isEmpty()) {
      return none();
    }
    Map<String, ModelState> states = new LifecycleLog(target, registry).models();
    return of(
        project, states, probations(target, registry, project.name()), System.currentTimeMillis());
  }

  /**
   * The same of what was read.
   *
   * @param probations by model, the last decision on each version's probation
   */
  static PinnedViews of(
      Project project,
      Map<String, ModelState> states,
      Map<String, Map<Integer, Verdict>> probations,
      long nowMillis) {
    List<Pin> pins = new ArrayList<>();
    for (Model model : project.models()) {
      ModelState state = states.get(model.name());
      if (state == null) {
        continue;
      }
      for (int number :
          versions(model, state, probations.getOrDefault(model.name(), Map.of()), nowMillis)) {
        Map<String, String> views =
            state.version(number).map(RegisteredVersion::views).orElse(Map.of());
        new TreeMap<>(views)
            .forEach((view, id) -> pins.add(new Pin(model.name(), number, view, id)));
      }
    }
    return new PinnedViews(pins);
  }

  private static Set<Integer> versions(
      Model model, ModelState state, Map<Integer, Verdict> probations, long nowMillis) {
    Set<Integer> versions = new TreeSet<>();
    state.preparing().ifPresent(d -> versions.addAll(d.versions()));
    state
        .current()
        .ifPresent(
            current -> {
              versions.addAll(current.versions());
              int champion = current.champion().version();
              if (onProbation(model, current, probations.get(champion), nowMillis)) {
                List<DecidedDeployment> standing = state.standing();
                for (int i = standing.size() - 1; i >= 0; i--) {
                  if (standing.get(i).champion().version() != champion) {
                    versions.add(standing.get(i).champion().version());
                    break;
                  }
                }
              }
            });
    return versions;
  }

  private static boolean onProbation(
      Model model, DecidedDeployment current, @Nullable Verdict last, long nowMillis) {
    Model.Rollout rollout = model.rollout();
    if (rollout == null || rollout.probation().isZero()) {
      return false;
    }
    if (last != null) {
      return last != Verdict.PASSED && !last.endsBadly();
    }
    Duration longest = rollout.probation().multipliedBy(2).plus(STEPS_KEPT);
    return nowMillis - current.decidedAtMillis() < longest.toMillis();
  }

  private static Map<String, Map<Integer, Verdict>> probations(
      Target target, SubjectRegistry registry, String project) {
    WireFormat.Reader reader = new WireFormat.Reader(registry, Wire.ROLLOUT);
    Map<String, Map<Integer, Verdict>> probations = new HashMap<>();
    String topic = Topics.rollouts(project);
    TopicLog.read(
        target,
        topic,
        record -> {
          GenericRecord step;
          try {
            step = reader.read(record.value());
          } catch (IOException e) {
            throw new UncheckedIOException(
                "Cannot read " + topic + " at offset " + record.offset(), e);
          }
          if (String.valueOf(step.get("phase")).equals(Phase.PROBATION.name())) {
            probations
                .computeIfAbsent(String.valueOf(step.get("model")), m -> new HashMap<>())
                .put(
                    (Integer) step.get("version"),
                    Verdict.valueOf(String.valueOf(step.get("decision"))));
          }
        });
    return probations;
  }

  /** Who needs a definition; empty where nobody does. */
  public List<Pin> of(String view, String id) {
    return pins.stream().filter(p -> p.view().equals(view) && p.id().equals(id)).toList();
  }
}
