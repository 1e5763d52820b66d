package dev.millrace.registry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.catalog.Aliases;
import dev.millrace.core.catalog.CatalogRules;
import dev.millrace.core.catalog.ModelCard;
import dev.millrace.core.tracking.Experiment;
import dev.millrace.core.tracking.ExperimentRules;
import dev.millrace.core.tracking.ExperimentsState;
import dev.millrace.core.tracking.LoggedModel;
import dev.millrace.core.tracking.LoggedModelRules;
import dev.millrace.core.tracking.RunRules;
import dev.millrace.registry.access.Caller;
import dev.millrace.registry.access.ForbiddenException;
import dev.millrace.registry.access.Need;
import dev.millrace.registry.access.Role;
import dev.millrace.registry.artifacts.ArtifactPath;
import dev.millrace.registry.artifacts.ArtifactRoutes;
import dev.millrace.registry.journal.Progress;
import dev.millrace.registry.mlflow.MlflowError;
import dev.millrace.registry.mlflow.MlflowRequest;
import dev.millrace.registry.mlflow.MlflowRoutes;
import dev.millrace.registry.tracking.Tracking;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Whose things a caller may change. A model that a project defines is that project's; any other
 * model, and an experiment with its runs, logged models and files, is the project's that its tag
 * says. What belongs to no project is changed by those alone who may change everything.
 */
final class ProjectRules implements MlflowRoutes.Admission, ArtifactRoutes.Admission {

  /** Says whose a model or an experiment is. */
  static final String TAG = "millrace.project";

  private final Catalogue catalogue;
  private final Tracking tracking;
  private final Function<String, Set<String>> defining;
  private final Progress progress;

  /**
   * @param defining the projects that define a model
   * @param progress how far all is known that was decided
   */
  ProjectRules(
      Catalogue catalogue,
      Tracking tracking,
      Function<String, Set<String>> defining,
      Progress progress) {
    this.catalogue = catalogue;
    this.tracking = tracking;
    this.defining = defining;
    this.progress = progress;
  }

  @Override
  public void admit(@Nullable Caller asking, Need need, MlflowRequest request) {
    Caller caller = known(asking);
    switch (need.about()) {
      case NOTHING -> {}
      case NEW_MODEL -> {
        String name = request.required("name");
        Set<String> projects = defining.apply(name);
        if (!projects.isEmpty()) {
          refuseOthers(caller, "model " + name, projects);
        }
        assign(caller, request);
      }
      case NEW_EXPERIMENT -> assign(caller, request);
      case MODEL -> {
        refuseLesserRoles(caller, request);
        String name = request.required("name");
        refuseOthers(caller, "model " + name, ofModel(caller, name));
      }
      case EXPERIMENT -> {
        refuseLesserRoles(caller, request);
        experiment(caller, request.text("experiment_id", ExperimentsState.DEFAULT_ID));
      }
      case RUN -> {
        String id = request.runId();
        experiment(
            caller,
            tracking
                .run(id)
                .orElseThrow(() -> MlflowError.missing(RunRules.noRun(id)))
                .run()
                .experimentId());
      }
      case LOGGED_MODEL -> {
        String id = request.required("model_id");
        LoggedModel model =
            tracking.model(id).orElseThrow(() -> MlflowError.missing(LoggedModelRules.noModel(id)));
        experiment(caller, model.experimentId());
      }
    }
  }

  /**
   * Files are below the folder of their experiment, where the experiment does not say otherwise.
   */
  @Override
  public void admit(@Nullable Caller asking, ArtifactPath path) {
    Caller caller = known(asking);
    try {
      refuseOthers(caller, path);
    } catch (ForbiddenException e) {
      // Perhaps another process has made the experiment just now.
      catchUp();
      refuseOthers(caller, path);
    }
  }

  private void catchUp() {
    try {
      progress.catchUp();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MlflowError(
          MlflowError.Code.TEMPORARILY_UNAVAILABLE, "the registry is ending; ask again");
    }
  }

  private void refuseOthers(Caller caller, ArtifactPath path) {
    Experiment experiment =
        path.names().isEmpty()
            ? null
            : tracking.experiments().experiment(path.names().get(0)).orElse(null);
    refuseOthers(
        caller, "artifact " + path, experiment == null ? Set.of() : tagged(experiment.tags()));
  }

  private Caller known(@Nullable Caller asking) {
    if (asking == null) {
      throw new ForbiddenException("Cannot change anything: nobody knows who asks");
    }
    if (!progress.isCaughtUp()) {
      throw new MlflowError(
          MlflowError.Code.TEMPORARILY_UNAVAILABLE,
          "the registry is not ready yet; ask again in a moment");
    }
    return asking;
  }

  private Set<String> ofModel(Caller caller, String name) {
    Set<String> projects = defining.apply(name);
    if (!projects.isEmpty()) {
      return projects;
    }
    CataloguedModel model = catalogue.model(name).orElse(null);
    if (model == null && !caller.projects().all()) {
      throw MlflowError.missing(CatalogRules.noModel(name));
    }
    ModelCard card = model == null ? null : model.page().card();
    return card == null ? Set.of() : tagged(card.tags());
  }

  private void experiment(Caller caller, String id) {
    Experiment experiment =
        tracking
            .experiments()
            .experiment(id)
            .orElseThrow(() -> MlflowError.missing(ExperimentRules.noExperiment(id)));
    refuseOthers(caller, "experiment " + id, tagged(experiment.tags()));
  }

  private static Set<String> tagged(Map<String, String> tags) {
    String project = tags.getOrDefault(TAG, "");
    return project.isEmpty() ? Set.of() : Set.of(project);
  }

  private static void refuseOthers(Caller caller, String what, Set<String> projects) {
    if (caller.projects().all() || projects.stream().anyMatch(caller.projects()::cover)) {
      return;
    }
    throw new ForbiddenException(
        "Cannot change %s with the token of %s, which is for %s: %s"
            .formatted(
                what,
                caller.name(),
                caller.projects(),
                projects.isEmpty()
                    ? "it belongs to no project; an admin for all projects gives it the tag " + TAG
                    : "it belongs to "
                        + String.join(", ", new TreeSet<>(projects))
                        + "; ask an admin for a token of that project"));
  }

  /** Some tags and aliases say more than others. */
  private static void refuseLesserRoles(Caller caller, MlflowRequest request) {
    if (request.text("key", "").equals(TAG)) {
      refuseLesser(caller, Role.ADMIN, "tag " + TAG);
      String project = request.text("value", "");
      if (!caller.projects().all() && !caller.projects().cover(project)) {
        throw new ForbiddenException(
            "Cannot give anything to project '%s' with the token of %s, which is for %s; ask an admin of both"
                .formatted(project, caller.name(), caller.projects()));
      }
    }
    String alias = request.text("alias", "").toLowerCase(Locale.ROOT);
    if (Aliases.isOfDeployments(alias)) {
      refuseLesser(caller, Role.PROMOTER, "alias " + alias);
    }
  }

  private static void refuseLesser(Caller caller, Role needed, String what) {
    if (!caller.role().includes(needed)) {
      throw new ForbiddenException(
          "Cannot change %s with the token of %s: its role is %s, and this takes %s; ask an admin"
              .formatted(what, caller.name(), caller.role().text(), needed.text()));
    }
  }

  /** What is made belongs to the project that its tag says, else to the caller's only one. */
  private static void assign(Caller caller, MlflowRequest request) {
    ObjectNode parameters = request.json();
    JsonNode given = parameters.path("tags");
    if (!given.isArray() && !given.isMissingNode() && !given.isNull()) {
      throw MlflowError.invalid("Invalid value for parameter 'tags' supplied: it must be a list.");
    }
    String told = request.tags("tags").get(TAG);
    if (told != null) {
      if (!caller.projects().all() && !caller.projects().cover(told)) {
        throw new ForbiddenException(
            "Cannot make anything of project '%s' with the token of %s, which is for %s; correct the tag %s"
                .formatted(told, caller.name(), caller.projects(), TAG));
      }
      return;
    }
    if (caller.projects().all()) {
      return;
    }
    if (caller.projects().names().size() > 1) {
      throw MlflowError.invalid(
          "Cannot tell whose this is to be: the token of %s is for %s; add the tag %s with one of them"
              .formatted(caller.name(), caller.projects(), TAG));
    }
    ArrayNode tags = given.isArray() ? (ArrayNode) given : parameters.putArray("tags");
    tags.addObject().put("key", TAG).put("value", caller.projects().names().first());
  }
}
