package dev.millrace.trainer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.drift.ReferenceProfile;
import dev.millrace.core.drift.ReferenceRows;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.schemas.SubjectRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.jspecify.annotations.Nullable;

/** From a stack's warehouse to a registered version, in one call. */
public final class ModelTraining {

  /** What the details of a version say that was trained on labels dealt anew. */
  public static final String LABELS_PERMUTED = "labels permuted";

  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration PATIENCE_WITH_REGISTRY = Duration.ofSeconds(30);

  private final Target target;
  private final @Nullable SubjectRegistry registry;
  private final Champions champions;
  private final LongSupplier clockMillis;
  private final Consumer<String> progress;

  /**
   * Training in one stack.
   *
   * @param progress told in a few words what happens now
   */
  public ModelTraining(Target target, SubjectRegistry registry, Consumer<String> progress) {
    this(
        target,
        registry,
        new TopicChampions(target, registry),
        System::currentTimeMillis,
        progress);
  }

  ModelTraining(
      Target target,
      @Nullable SubjectRegistry registry,
      Champions champions,
      LongSupplier clockMillis,
      Consumer<String> progress) {
    this.target = target;
    this.registry = registry;
    this.champions = champions;
    this.clockMillis = clockMillis;
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

  /** All events up to a time with what was known of each, and no labels. */
  TrainingSet joinUnlabelled(Project project, Model model, @Nullable Instant asOf) {
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      return new TrainingJoin(catalog, project, progress).joinUnlabelled(model, asOf);
    }
  }

  /** The training set of a window whose labels are mature. */
  public TrainingSet join(Project project, Model model, long startMillis, long endMillis) {
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      return new TrainingJoin(catalog, project, progress).join(model, startMillis, endMillis);
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
   * Trains, registers a version and runs its gates.
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
    return train(project, projectRevision, model, asOf, actor, reason, false);
  }

  /**
   * Does the same with the labels dealt anew among the rows: a version that knows nothing, for a
   * drill. Its details say so ({@code drill}); its metrics are against the true labels.
   *
   * @param projectRevision of the applied project; null where it was read from a folder
   */
  public Trained trainOnPermutedLabels(
      Project project,
      @Nullable Integer projectRevision,
      Model model,
      @Nullable Instant asOf,
      String actor,
      String reason)
      throws IOException, InterruptedException {
    return train(project, projectRevision, model, asOf, actor, reason, true);
  }

  private Trained train(
      Project project,
      @Nullable Integer projectRevision,
      Model model,
      @Nullable Instant asOf,
      String actor,
      String reason,
      boolean permuted)
      throws IOException, InterruptedException {
    Model.Training config = training(model);
    TrainingSet set = join(project, model, asOf);
    Trainer trainer = new Trainer(progress);
    TrainingRun run =
        permuted
            ? trainer.trainOnPermutedLabels(set, config, set.inputs())
            : trainer.train(set, config, set.inputs());
    ObjectNode extras = JSON.createObjectNode();
    if (permuted) {
      extras.put("drill", LABELS_PERMUTED);
    }
    Candidate candidate =
        candidate(project, model, set, run, projectRevision, actor, key(set, run), extras);
    if (registry == null) {
      throw new IllegalStateException("Cannot register " + model.name() + ": no registry is named");
    }
    return new Trained(
        set,
        run,
        new VersionPublisher(
                new JournalLifecycle(new LifecycleLog(target, registry)),
                clockMillis,
                PATIENCE_WITH_REGISTRY,
                progress)
            .publish(candidate, actor, reason));
  }

  /** The candidate that was made under a key before. */
  Optional<Candidate> find(Model model, String idempotencyKey) throws IOException {
    Optional<Path> folder = folders(model).find(idempotencyKey);
    return folder.isEmpty()
        ? Optional.empty()
        : Optional.of(Candidate.read(folder.get(), model.name(), idempotencyKey));
  }

  /**
   * Makes the candidate of a request: of events in (start, end], whose labels are mature.
   *
   * @param extras what its details say besides what it was made from
   */
  Candidate make(
      Project project,
      int projectRevision,
      Model model,
      long startMillis,
      long endMillis,
      String actor,
      String idempotencyKey,
      ObjectNode extras)
      throws IOException {
    Model.Training config = training(model);
    TrainingSet set = join(project, model, startMillis, endMillis);
    TrainingRun run = new Trainer(progress).train(set, config, set.inputs());
    return candidate(project, model, set, run, projectRevision, actor, idempotencyKey, extras);
  }

  /** Compares with the champion, runs the gates, makes the profile and writes all of it. */
  private Candidate candidate(
      Project project,
      Model model,
      TrainingSet set,
      TrainingRun run,
      @Nullable Integer projectRevision,
      String actor,
      String idempotencyKey,
      ObjectNode extras)
      throws IOException {
    Optional<Candidate> made = find(model, idempotencyKey);
    if (made.isPresent()) {
      return made.get();
    }
    long seed = training(model).seed();
    ChampionComparison compared =
        ChampionComparison.of(
            set,
            run.scores(),
            run.parts().training() + run.parts().validation(),
            champions.of(project, model),
            seed,
            (was, start, end) -> join(was.project(), was.model(), start, end));
    GateCheck gates =
        GateCheck.of(model.gates(), run.holdout(), compared.delta(), compared.uncompared());
    progress.accept(said(gates));
    progress.accept("making the reference profile");
    byte[] profile = profile(model, set, run.inputs(), run.scores(), seed).json();

    VersionFolder folders = folders(model);
    Path folder = folders.folder(idempotencyKey);
    ObjectNode details =
        Lineage.summary(set, run, VersionFolder.uri(folder, VersionFolder.LINEAGE));
    details.put("profile_uri", VersionFolder.uri(folder, VersionFolder.PROFILE));
    details.put("profile_sha256", ReferenceProfile.sha256(profile));
    details.setAll(extras);
    ObjectNode validation = gates.json();
    if (compared.champion() != null) {
      validation.put("champion", compared.champion());
    }
    validation.setAll(extras);
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put(VersionFolder.MODEL, run.onnx());
    files.put(
        VersionFolder.LINEAGE,
        bytes(
            Lineage.of(
                set, run, seed, idempotencyKey, projectRevision, actor, clockMillis.getAsLong())));
    files.put(VersionFolder.PROFILE, profile);
    files.put(
        VersionFolder.CANDIDATE,
        Candidate.json(model.name(), idempotencyKey, run.sha256(), details, validation));
    return Candidate.read(folders.write(idempotencyKey, files), model.name(), idempotencyKey);
  }

  static ReferenceProfile profile(
      Model model, TrainingSet set, List<String> inputs, double[] scores, long seed) {
    double[][] columns = new double[inputs.size()][];
    for (int c = 0; c < columns.length; c++) {
      columns[c] = set.columns()[set.column(inputs.get(c))];
    }
    TrainingSet.Bounds bounds = set.bounds();
    long fromMillis =
        bounds.startMillis() == Long.MIN_VALUE ? set.timesMillis()[0] : bounds.startMillis() + 1;
    return ReferenceProfile.of(
        model.name(),
        new ReferenceRows(
            inputs,
            columns,
            scores,
            set.labels(),
            set.timesMillis(),
            fromMillis,
            bounds.endMillis() + 1),
        model.monitoring(),
        seed);
  }

  private VersionFolder folders(Model model) {
    return new VersionFolder(target.artifacts(), model.name());
  }

  /** The same set and artifact are the same version, however often they are trained. */
  private static String key(TrainingSet set, TrainingRun run) {
    return HexFormat.of()
        .formatHex(
            TrainingSet.digest()
                .digest((run.sha256() + set.sha256()).getBytes(StandardCharsets.UTF_8)));
  }

  static String said(GateCheck gates) {
    if (gates.gates().isEmpty()) {
      return "no gates are defined";
    }
    long passed = gates.gates().stream().filter(GateCheck.Result::passed).count();
    return String.format(Locale.ROOT, "%d of %d gates hold", passed, gates.gates().size());
  }

  static byte[] bytes(ObjectNode json) {
    try {
      return (JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n")
          .getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException("Cannot write a lineage", e);
    }
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
