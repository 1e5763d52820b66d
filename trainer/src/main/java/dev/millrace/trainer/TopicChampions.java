package dev.millrace.trainer;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.lifecycle.VersionInputs;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.DeploymentHistory;
import dev.millrace.platform.DefinitionsLog;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.ModelRevision;
import dev.millrace.platform.RunningViews;
import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Champions as {@code models.deployments} names them and {@code models.lifecycle} describes them.
 */
final class TopicChampions implements Champions {

  private final Target target;
  private final SubjectRegistry registry;

  TopicChampions(Target target, SubjectRegistry registry) {
    this.target = target;
    this.registry = registry;
  }

  @Override
  public Optional<Champion> of(Project project, Model model) throws IOException {
    DeployedVersion deployed =
        history(model.name()).current().map(Deployment::champion).orElse(null);
    if (deployed == null) {
      return Optional.empty();
    }
    List<String> inputs =
        VersionInputs.of(
            new LifecycleLog(target, registry).read(), model.name(), deployed.version());
    return Optional.of(
        new Champion(
            deployed.version(),
            deployed.uri(),
            deployed.sha256(),
            inputs,
            deployed.views(),
            trainedOn(project, model, deployed)));
  }

  private @Nullable ModelRevision trainedOn(Project project, Model model, DeployedVersion deployed)
      throws IOException {
    boolean asApplied =
        deployed.views().entrySet().stream()
            .allMatch(
                pin ->
                    project
                        .featureView(pin.getKey())
                        .map(view -> view.id().equals(pin.getValue()))
                        .orElse(false));
    DefinitionsLog log = new DefinitionsLog(target, registry);
    Applied applied = asApplied ? null : log.latest(project.name()).orElse(null);
    if (applied == null) {
      return null;
    }
    return ModelRevision.earlier(model, RunningViews.read(project, applied, log)).stream()
        .filter(was -> was.ids().entrySet().containsAll(deployed.views().entrySet()))
        .findFirst()
        .orElse(null);
  }

  private DeploymentHistory history(String model) {
    WireFormat.Reader reader = new WireFormat.Reader(registry, Wire.DEPLOYMENT);
    DeploymentHistory history = new DeploymentHistory();
    TopicLog.read(
        target,
        Topics.DEPLOYMENTS,
        record -> {
          try {
            Deployment deployment = Deployment.of(reader.read(record.value()));
            if (deployment.model().equals(model)) {
              history.accept(deployment);
            }
          } catch (IOException e) {
            throw new UncheckedIOException(
                "Cannot read %s at %d:%d"
                    .formatted(record.topic(), record.partition(), record.offset()),
                e);
          }
        });
    return history;
  }
}
