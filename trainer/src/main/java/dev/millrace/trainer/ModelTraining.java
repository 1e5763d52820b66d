package dev.millrace.trainer;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.schemas.SubjectRegistry;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.function.Consumer;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.jspecify.annotations.Nullable;

/** From a stack's warehouse to a registered version, in one call. */
public final class ModelTraining {

  private final Target target;
  private final VersionJournal journal;
  private final Consumer<String> progress;

  /**
   * Training in one stack.
   *
   * @param progress told in a few words what happens now
   */
  public ModelTraining(Target target, SubjectRegistry registry, Consumer<String> progress) {
    this.target = target;
    this.journal = new VersionJournal(target, registry);
    this.progress = progress;
  }

  /** A new version, with what it was made from. */
  public record Trained(TrainingSet set, TrainingRun run, VersionPublisher.Published published) {}

  /** The model's training set; without an as-of time all that labels are complete for. */
  public TrainingSet join(Project project, Model model, @Nullable Instant asOf) {
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      return new TrainingJoin(catalog, project, progress).join(model, asOf);
    }
  }

  /**
   * Trains on a set without registering anything: for a comparison with fewer inputs.
   *
   * @param inputs some of the model's inputs
   */
  public TrainingRun compare(TrainingSet set, Model model, List<String> inputs) {
    return new Trainer(progress).train(set, training(model), inputs);
  }

  /**
   * Trains and registers a version.
   *
   * @param projectRevision of the applied project; null where it was read from a folder
   */
  public Trained train(
      Project project,
      @Nullable Integer projectRevision,
      Model model,
      @Nullable Instant asOf,
      String actor,
      String reason)
      throws IOException, InterruptedException {
    Model.Training config = training(model);
    TrainingSet set = join(project, model, asOf);
    TrainingRun run = new Trainer(progress).train(set, config, set.inputs());
    progress.accept("registering");
    return new Trained(
        set,
        run,
        new VersionPublisher(target, journal)
            .publish(
                set,
                run,
                config.seed(),
                projectRevision,
                actor,
                reason,
                System.currentTimeMillis()));
  }

  private static Model.Training training(Model model) {
    Model.Training config = model.training();
    if (config == null) {
      throw TrainingException.ofDefinition(
          "Cannot train %s: its definition does not say how; add training: to the model"
              .formatted(model.name()));
    }
    return config;
  }
}
