package dev.millrace.platform;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.DefinitionsLog.Known;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.avro.Schema;
import org.apache.kafka.clients.admin.Admin;
import org.jspecify.annotations.Nullable;

/**
 * What a project needs in a stack besides its jobs: topics, subjects, and its entry in {@code
 * millrace.definitions}.
 */
public final class Installation {

  private final Target target;
  private final SubjectRegistry registry;

  public Installation(Target target, SubjectRegistry registry) {
    this.target = target;
    this.registry = registry;
  }

  /**
   * What applying a project would do.
   *
   * @param previous the project as it is applied now; null where it is not
   * @param last the project as it was last applied, also where it was deleted since: a view that
   *     comes back gets a higher epoch
   * @param changes one line for each thing that is new or different; empty where nothing is
   * @param changedViews views that exist and would compute something else
   */
  public record Plan(
      Project project,
      Map<String, String> files,
      @Nullable Applied previous,
      @Nullable Applied last,
      List<String> changes,
      List<String> changedViews,
      List<String> newTopics) {}

  /** The project's name meets another project's; the message says whose it is. */
  public static final class TakenNameException extends IOException {
    private static final long serialVersionUID = 1L;

    TakenNameException(String message) {
      super(message);
    }
  }

  /** Compares a project with what is applied. */
  public Plan plan(Project project, Map<String, String> files)
      throws IOException, InterruptedException {
    Map<String, Known> known = new DefinitionsLog(target, registry).known();
    refuseTakenNames(project, known);
    Known last = known.get(project.name());
    Applied previous = last == null || last.deleted() ? null : last.applied();
    List<String> changes = new ArrayList<>();
    List<String> changedViews = new ArrayList<>();
    for (FeatureView view : project.featureViews()) {
      ViewIdentity before = previous == null ? null : previous.views().get(view.name());
      if (before == null) {
        changes.add("feature view " + view.name() + ": new");
      } else if (!before.id().equals(view.id())) {
        changes.add(
            "feature view " + view.name() + ": changed, " + before.id() + " -> " + view.id());
        changedViews.add(view.name());
      }
    }
    if (previous != null) {
      for (String view : new TreeSet<>(previous.views().keySet())) {
        if (project.featureView(view).isEmpty()) {
          changes.add("feature view " + view + ": dropped");
          changedViews.add(view);
        }
      }
    }
    Set<String> wanted = topics(project);
    List<String> newTopics = new ArrayList<>();
    try (Admin admin = Topics.admin(target)) {
      Map<String, String> ids = Topics.ids(admin, wanted);
      for (String topic : wanted) {
        String before = previous == null ? null : previous.topicIds().get(topic);
        if (!ids.containsKey(topic)) {
          newTopics.add(topic);
          changes.add("topic " + topic + ": new");
        } else if (before != null && !before.equals(ids.get(topic))) {
          changes.add("topic " + topic + ": was made anew since the last apply");
        }
      }
    }
    if (previous == null) {
      changes.add("project " + project.name() + ": new");
    } else if (!previous.files().equals(files) && changes.isEmpty()) {
      changes.add("project " + project.name() + ": models or settings changed");
    }
    return new Plan(
        project,
        files,
        previous,
        last == null ? null : last.applied(),
        changes,
        changedViews,
        newTopics);
  }

  /**
   * Makes topics and subjects and writes the definitions, where there is anything new.
   *
   * @return what the project's jobs run
   */
  public Applied install(Plan plan, String actor) throws IOException, InterruptedException {
    Project project = plan.project();
    Applied previous = plan.previous();
    Map<String, String> topicIds;
    try (Admin admin = Topics.admin(target)) {
      Set<String> wanted = topics(project);
      wanted.add(Topics.DEFINITIONS);
      wanted.add(Topics.LIFECYCLE);
      wanted.add(Topics.DEPLOYMENTS);
      Topics.create(admin, wanted);
      topicIds = sourceTopicIds(admin, project);
    }
    // Opening makes the catalog's own tables, which only one of the jobs to come may do.
    Warehouse.open(target).close();
    for (Map.Entry<String, Schema> subject : subjects(project).entrySet()) {
      registry.register(Topics.subject(subject.getKey()), subject.getValue().toString());
    }
    if (previous != null && plan.changes().isEmpty() && previous.files().equals(plan.files())) {
      return previous;
    }
    Applied next =
        new Applied(
            project.name(),
            plan.last() == null ? 1 : plan.last().revision() + 1,
            System.currentTimeMillis(),
            identities(project, plan.last(), previous != null, topicIds),
            topicIds,
            plan.files());
    new DefinitionsLog(target, registry).append(next, actor);
    return next;
  }

  /** Every topic that the project's jobs read or write. */
  public static Set<String> topics(Project project) {
    Set<String> topics = new LinkedHashSet<>();
    topics.addAll(sourceTopics(project));
    topics.addAll(subjects(project).keySet());
    return topics;
  }

  /** The schema of each topic's values, for topics in Avro. */
  public static Map<String, Schema> subjects(Project project) {
    Map<String, Schema> subjects = new LinkedHashMap<>();
    for (Source source : project.sources()) {
      if (source.kind() == Source.Kind.KAFKA && source.format() == Source.Format.AVRO) {
        subjects.put(source.topic(), source.schema());
      }
    }
    for (FeatureView view : project.featureViews()) {
      subjects.put(
          Topics.features(project.name(), view.name()), RowSchemas.of(project.name(), view));
    }
    for (Model model : project.models()) {
      subjects.put(Topics.predictions(project.name(), model.name()), Wire.PREDICTION);
      subjects.put(Topics.shadows(project.name(), model.name()), Wire.PREDICTION);
    }
    if (!project.models().isEmpty()) {
      subjects.put(Topics.drift(project.name()), Wire.DRIFT);
      subjects.put(Topics.performance(project.name()), Wire.PERFORMANCE);
      subjects.put(Topics.retraining(project.name()), Wire.RETRAINING);
      subjects.put(Topics.rollouts(project.name()), Wire.ROLLOUT);
      subjects.put(Topics.alerts(project.name()), Wire.ALERT);
      subjects.put(Topics.audit(project.name()), Wire.AUDIT);
    }
    subjects.put(Topics.deadLetters(project.name()), Wire.DEAD_LETTER);
    subjects.put(Topics.LIFECYCLE, Wire.LIFECYCLE);
    subjects.put(Topics.DEPLOYMENTS, Wire.DEPLOYMENT);
    return subjects;
  }

  private static Map<String, String> sourceTopicIds(Admin admin, Project project)
      throws InterruptedException {
    return Topics.ids(admin, sourceTopics(project));
  }

  private static Set<String> sourceTopics(Project project) {
    Set<String> topics = new LinkedHashSet<>();
    for (Source source : project.sources()) {
      if (source.kind() == Source.Kind.KAFKA) {
        topics.add(source.topic());
      }
    }
    return topics;
  }

  /** A view keeps its epoch while its definition and its source's topic are the same. */
  private static Map<String, ViewIdentity> identities(
      Project project, @Nullable Applied last, boolean live, Map<String, String> topicIds) {
    Map<String, ViewIdentity> identities = new TreeMap<>();
    for (FeatureView view : project.featureViews()) {
      Source origin = project.origin(view);
      ViewIdentity before = last == null ? null : last.views().get(view.name());
      boolean sameTopic =
          live
              && last != null
              && (origin.kind() != Source.Kind.KAFKA
                  || String.valueOf(topicIds.get(origin.topic()))
                      .equals(last.topicIds().get(origin.topic())));
      long epoch =
          before == null
              ? 1
              : before.id().equals(view.id()) && sameTopic ? before.epoch() : before.epoch() + 1;
      identities.put(view.name(), new ViewIdentity(epoch, view.id()));
    }
    return identities;
  }

  private static void refuseTakenNames(Project project, Map<String, Known> known)
      throws IOException {
    Set<String> views = new TreeSet<>();
    project.featureViews().forEach(v -> views.add(v.name()));
    for (Known entry : known.values()) {
      Applied other = entry.applied();
      if (entry.deleted() || other.project().equals(project.name())) {
        continue;
      }
      for (String view : other.views().keySet()) {
        if (views.contains(view)) {
          throw new TakenNameException(
              "Cannot apply project "
                  + project.name()
                  + ": feature view "
                  + view
                  + " belongs to project "
                  + other.project()
                  + "; give it another name, or use "
                  + other.project()
                  + "/"
                  + view);
        }
      }
    }
  }
}
