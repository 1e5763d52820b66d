package dev.millrace.platform;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.DefinitionsLog.KeptView;
import dev.millrace.platform.DefinitionsLog.Known;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
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
   * @param begun views that would begin to be computed, new ones and changed ones
   * @param kept definitions that versions of models pin and that go on beside the applied ones
   * @param released definitions that are computed now and would be no more
   * @param obstacles why it cannot be applied, one line for each reason
   */
  public record Plan(
      Project project,
      Map<String, String> files,
      @Nullable Applied previous,
      @Nullable Applied last,
      List<String> changes,
      List<String> changedViews,
      List<String> begun,
      List<KeptView> kept,
      List<KeptView> released,
      List<String> obstacles,
      List<String> newTopics) {}

  /** The project's name meets another project's; the message says whose it is. */
  public static final class TakenNameException extends IOException {
    private static final long serialVersionUID = 1L;

    TakenNameException(String message) {
      super(message);
    }
  }

  /** Compares a project with what is applied, for whoever changes no definition. */
  public Plan plan(Project project, Map<String, String> files)
      throws IOException, InterruptedException {
    return plan(project, files, null);
  }

  /**
   * Compares a project with what is applied.
   *
   * @param pinned what versions of models pin; null keeps all that is kept
   */
  public Plan plan(Project project, Map<String, String> files, @Nullable PinnedViews pinned)
      throws IOException, InterruptedException {
    DefinitionsLog log = new DefinitionsLog(target, registry);
    Map<String, Known> known = log.known();
    refuseTakenNames(project, known);
    Known last = known.get(project.name());
    Applied previous = last == null || last.deleted() ? null : last.applied();
    List<String> changes = new ArrayList<>();
    ViewChanges views = ViewChanges.of(project, previous, pinned);
    changes.addAll(views.lines());
    List<String> obstacles = new ArrayList<>();
    if (!views.kept().isEmpty() && pinned != null) {
      obstacles.addAll(
          new KeptViewCheck(project, log.revisions(project.name()))
              .obstacles(views.kept(), pinned));
    }
    if (pinned != null) {
      obstacles.addAll(typeChanges(project, views.begun()));
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
        views.changed(),
        views.begun(),
        views.kept(),
        views.released(),
        obstacles,
        newTopics);
  }

  /** Features that their view's table has with another type. */
  private List<String> typeChanges(Project project, List<String> views) {
    List<String> problems = new ArrayList<>();
    try (var catalog = Warehouse.open(target)) {
      for (String view : views) {
        FeatureView found = project.featureView(view).orElseThrow();
        for (String column :
            Warehouse.otherTypes(
                catalog,
                Warehouse.features(project.name(), view),
                Warehouse.featuresSchema(found))) {
          problems.add("view " + view + ": " + column + "; give the feature another name");
        }
      }
    }
    return problems;
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
      wanted.add(Topics.TRACKING);
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
            identities(project, plan, topicIds),
            keptOnes(project, plan, topicIds),
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
    subjects.put(Topics.TRACKING, Wire.TRACKING);
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
      Project project, Plan plan, Map<String, String> topicIds) {
    Map<String, ViewIdentity> identities = new TreeMap<>();
    for (FeatureView view : project.featureViews()) {
      Applied live = plan.previous();
      Applied last = plan.last();
      ViewIdentity before =
          live != null && sameTopic(project, view, live, topicIds)
              ? ViewChanges.identities(live, view.name()).stream()
                  .filter(i -> i.id().equals(view.id()))
                  .findFirst()
                  .orElse(null)
              : null;
      long epoch = before == null ? epochAfter(last, view.name()) : before.epoch();
      if (before == null && live != null && !sameTopic(project, view, live, topicIds)) {
        // The older definitions are numbered anew too, and stay the older ones.
        epoch += plan.kept().stream().filter(k -> k.view().equals(view.name())).count();
      }
      identities.put(view.name(), new ViewIdentity(epoch, view.id()));
    }
    return identities;
  }

  /** Kept definitions over a topic that was made anew begin again, and so get higher epochs. */
  private static List<KeptView> keptOnes(Project project, Plan plan, Map<String, String> topicIds) {
    Applied live = plan.previous();
    List<KeptView> kept = new ArrayList<>();
    Map<String, Long> next = new HashMap<>();
    for (KeptView view :
        plan.kept().stream().sorted(Comparator.comparingLong(k -> k.identity().epoch())).toList()) {
      FeatureView current = project.featureView(view.view()).orElse(null);
      if (live == null || current == null || sameTopic(project, current, live, topicIds)) {
        kept.add(view);
      } else {
        long epoch = next.getOrDefault(view.view(), epochAfter(plan.last(), view.view()));
        next.put(view.view(), epoch + 1);
        kept.add(
            new KeptView(
                view.view(), new ViewIdentity(epoch, view.identity().id()), view.revision()));
      }
    }
    return kept;
  }

  private static long epochAfter(@Nullable Applied last, String view) {
    return last == null
        ? 1
        : 1
            + ViewChanges.identities(last, view).stream()
                .mapToLong(ViewIdentity::epoch)
                .max()
                .orElse(0);
  }

  private static boolean sameTopic(
      Project project, FeatureView view, Applied last, Map<String, String> topicIds) {
    Source origin = project.origin(view);
    return origin.kind() != Source.Kind.KAFKA
        || String.valueOf(topicIds.get(origin.topic())).equals(last.topicIds().get(origin.topic()));
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
