package dev.millrace.trainer;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Model.Input;
import dev.millrace.core.definition.Project;
import dev.millrace.core.drift.ReferenceProfile;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.Target;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.scoring.OnnxModel;
import dev.millrace.scoring.ParityCheck;
import dev.millrace.trainer.VersionFitness.UnfitException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Judges a version that was made elsewhere as a trained one is judged: whether it can serve, how it
 * does on labelled events beside the champion, its gates, its reference profile. What it was
 * trained on is not known, so its metrics may be of rows that it has seen.
 */
public final class VersionEvaluation {

  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration PATIENCE_WITH_REGISTRY = Duration.ofSeconds(30);
  private static final int PARITY_ROWS = 500;
  private static final long PARITY_SEED = 500;

  private final ModelTraining training;
  private final Champions champions;
  private final String artifacts;
  private final Lifecycle lifecycle;
  private final LongSupplier clockMillis;
  private final Consumer<String> progress;

  /**
   * Evaluation in one stack.
   *
   * @param progress told in a few words what happens now
   */
  public VersionEvaluation(Target target, SubjectRegistry registry, Consumer<String> progress) {
    this(
        target,
        new TopicChampions(target, registry),
        new JournalLifecycle(new LifecycleLog(target, registry)),
        System::currentTimeMillis,
        progress);
  }

  VersionEvaluation(
      Target target,
      Champions champions,
      Lifecycle lifecycle,
      LongSupplier clockMillis,
      Consumer<String> progress) {
    this.training = new ModelTraining(target, null, champions, clockMillis, progress);
    this.champions = champions;
    this.artifacts = target.artifacts();
    this.lifecycle = lifecycle;
    this.clockMillis = clockMillis;
    this.progress = progress;
  }

  /**
   * What is asked.
   *
   * @param projectRevision of the applied project; null where it was read from a folder
   * @param source as it was registered
   * @param onnx the bytes that the source has
   * @param asOf nothing later is seen; null for all that is archived
   * @param key under which the registry is asked
   */
  @SuppressWarnings("ArrayRecordComponent") // Bytes; never compared.
  public record Request(
      Project project,
      @Nullable Integer projectRevision,
      Model model,
      int version,
      String source,
      byte[] onnx,
      @Nullable Instant asOf,
      String actor,
      String key) {}

  /**
   * What came of it.
   *
   * @param sha256 of the file
   * @param uri of the copy that serves; null where it cannot serve
   * @param validation the details that the registry was told
   * @param event the registry's answer
   */
  public record Evaluated(
      String sha256, @Nullable String uri, ObjectNode validation, LifecycleEntry event) {

    /** Whether it may be promoted without force. */
    public boolean validated() {
      return event.is(LifecycleEntry.Event.VERSION_VALIDATED);
    }
  }

  /** Evaluates and tells the registry. */
  public Evaluated evaluate(Request request) throws IOException, InterruptedException {
    String sha256 = HexFormat.of().formatHex(TrainingSet.digest().digest(request.onnx()));
    Path folder = Files.createTempDirectory("millrace-evaluation");
    Path file = folder.resolve(VersionFolder.MODEL);
    try {
      Files.write(file, request.onnx());
      VersionFitness fitness = new VersionFitness(request.model(), file);
      progress.accept("loading it in a JVM of its own");
      try (OnnxModel onnx = fitness.load(sha256)) {
        return judged(request, sha256, fitness, onnx);
      } catch (UnfitException e) {
        return unfit(request, sha256, e.why());
      }
    } finally {
      Files.deleteIfExists(file);
      Files.deleteIfExists(folder);
    }
  }

  /**
   * A version that cannot serve: the registry does not get to know its bytes, not even their hash.
   * Whoever registered it may have named a file that is none of theirs.
   */
  private Evaluated unfit(Request request, String sha256, String why)
      throws IOException, InterruptedException {
    progress.accept("it cannot serve: " + why);
    ObjectNode validation = JSON.createObjectNode();
    validation.put("passed", false);
    validation.put("note", why);
    validation.putArray("gates");
    LifecycleEntry event = ask(request, null, null, why, validation);
    return new Evaluated(sha256, null, validation, event);
  }

  private Evaluated judged(Request request, String sha256, VersionFitness fitness, OnnxModel onnx)
      throws IOException, InterruptedException, UnfitException {
    Model model = request.model();
    EvaluationRows rows = EvaluationRows.of(training, request.project(), model, request.asOf());
    TrainingSet set = rows.set();
    progress.accept("comparing scores with a plain run of ONNX Runtime");
    fitness.requireParity(
        onnx,
        set == null
            ? ParityCheck.madeUp(onnx, PARITY_ROWS, PARITY_SEED)
            : rows.sample(PARITY_ROWS));
    double[] scores = set == null ? new double[0] : scores(set, onnx);
    String unmeasured = rows.unmeasured();
    String flaw = set == null ? null : rows.scoreFlaw(scores);
    boolean measured = unmeasured == null && flaw == null && set != null;
    long seed = model.training() == null ? 0 : model.training().seed();

    ObjectNode evaluation = JSON.createObjectNode();
    evaluation.put("source", request.source());
    evaluation.put("format", onnx.format());
    evaluation.put("project", request.project().name());
    List<String> inputs = model.inputs().stream().map(Input::name).toList();
    inputs.forEach(evaluation.putArray("inputs")::add);
    ObjectNode views = evaluation.putObject("views");
    views(request).forEach(views::put);
    ChampionComparison compared = new ChampionComparison(null, null, null);
    GateCheck gates;
    if (measured && set != null) {
      progress.accept(
          String.format(Locale.ROOT, "measuring on %,d rows", set.size() - rows.validationFrom()));
      compared =
          ChampionComparison.of(
              set,
              scores,
              rows.holdoutFrom(),
              champions.of(request.project(), model),
              seed,
              (was, start, end) -> training.join(was.project(), was.model(), start, end));
      Metrics holdout = metrics(scores, set, rows.holdoutFrom(), set.size());
      gates = GateCheck.of(model.gates(), holdout, compared.delta(), compared.uncompared());
      ObjectNode metrics = evaluation.putObject("metrics");
      if (rows.holdoutFrom() > rows.validationFrom()) {
        metrics.set(
            "validation",
            Lineage.metrics(metrics(scores, set, rows.validationFrom(), rows.holdoutFrom())));
      }
      metrics.set("holdout", Lineage.metrics(holdout));
    } else {
      String why = flaw == null ? "not measured: " + unmeasured : flaw;
      gates = GateCheck.unmeasured(model.gates(), why);
    }
    progress.accept(ModelTraining.said(gates));
    ObjectNode validation = gates.json();
    if (compared.champion() != null) {
      validation.put("champion", compared.champion());
    }
    validation.putObject("tests").put("run", 0).put("note", "behavioural tests are not built");
    byte[] profile = null;
    // A score that is none has no place in a profile.
    if (set != null && set.size() > 0 && flaw == null) {
      progress.accept("making the reference profile");
      profile = ModelTraining.profile(model, set, inputs, scores, seed).json();
      evaluation.put("profile_sha256", ReferenceProfile.sha256(profile));
    }
    String uri = store(request, sha256, set, profile, evaluation, validation);
    validation.set(ModelState.EVALUATION, evaluation);
    String why =
        gates.passed() || gates.metrics() != null
            ? VersionPublisher.reason(validation)
            : String.valueOf(gates.note());
    return new Evaluated(sha256, uri, validation, ask(request, uri, sha256, why, validation));
  }

  private static double[] scores(TrainingSet set, OnnxModel onnx) {
    double[] scores = new double[set.size()];
    int[] columns = new int[set.inputs().size()];
    Arrays.setAll(columns, c -> c);
    Trainer.score(onnx, set, columns, 0, scores);
    return scores;
  }

  private static Metrics metrics(double[] scores, TrainingSet set, int from, int to) {
    return Metrics.of(
        Arrays.copyOfRange(scores, from, to), Arrays.copyOfRange(set.labels(), from, to));
  }

  /** The definitions that it is judged with, and will be served with. */
  private static Map<String, String> views(Request request) {
    Map<String, String> views = new LinkedHashMap<>();
    for (Input input : request.model().inputs()) {
      if (input instanceof Input.OfView of) {
        request.project().featureView(of.view()).ifPresent(v -> views.put(v.name(), v.id()));
      }
    }
    return views;
  }

  /** Writes the copy that serves and what was found out about it; gives the copy's URI. */
  private String store(
      Request request,
      String sha256,
      @Nullable TrainingSet set,
      byte @Nullable [] profile,
      ObjectNode evaluation,
      ObjectNode validation)
      throws IOException {
    VersionFolder folders = new VersionFolder(artifacts, request.model().name());
    Path model = folders.write(sha256, Map.of(VersionFolder.MODEL, request.onnx()));
    Path file = model.resolve(VersionFolder.MODEL);
    String found = HexFormat.of().formatHex(TrainingSet.digest().digest(Files.readAllBytes(file)));
    if (!found.equals(sha256)) {
      throw new IOException(
          "Cannot use %s: its sha256 is %s, not %s; move the folder away and evaluate again"
              .formatted(file, found, sha256));
    }
    ObjectNode lineage = JSON.createObjectNode();
    lineage.put("project", request.project().name());
    lineage.put("project_revision", request.projectRevision());
    lineage.put("model", request.model().name());
    lineage.put("version", request.version());
    lineage.put("made", "elsewhere");
    lineage.put("source", request.source());
    lineage.put("sha256", sha256);
    lineage.put("bytes", request.onnx().length);
    lineage.put("format", evaluation.path("format").asText());
    lineage.put("onnxruntime", OnnxModel.runtimeVersion());
    lineage.put("actor", request.actor());
    lineage.put("evaluated_at", Lineage.utc(clockMillis.getAsLong()));
    if (set != null) {
      Lineage.describe(set, lineage, "evaluation_set");
    }
    lineage.set("validation", validation);
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put(VersionFolder.LINEAGE, ModelTraining.bytes(lineage));
    if (profile != null) {
      files.put(VersionFolder.PROFILE, profile);
    }
    Path folder = folders.write(contentKey(request, sha256, evaluation, validation), files);
    evaluation.put("lineage", VersionFolder.uri(folder, VersionFolder.LINEAGE));
    if (profile != null) {
      evaluation.put("profile_uri", VersionFolder.uri(folder, VersionFolder.PROFILE));
    }
    return VersionFolder.uri(model, VersionFolder.MODEL);
  }

  /** The same evaluation of the same version is one folder, however often it is done. */
  private static String contentKey(
      Request request, String sha256, ObjectNode evaluation, ObjectNode validation) {
    String text =
        String.join(
            "\u001f",
            "evaluate",
            String.valueOf(request.version()),
            sha256,
            evaluation.toString(),
            validation.toString());
    return HexFormat.of()
        .formatHex(TrainingSet.digest().digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  private LifecycleEntry ask(
      Request request,
      @Nullable String uri,
      @Nullable String sha256,
      String reason,
      ObjectNode validation)
      throws IOException, InterruptedException {
    return new VersionPublisher(lifecycle, clockMillis, PATIENCE_WITH_REGISTRY, progress)
        .validate(
            new LifecycleEntry(
                request.model().name(),
                Kind.COMMAND,
                Command.VALIDATE.name(),
                request.version(),
                request.actor(),
                reason,
                clockMillis.getAsLong(),
                request.key(),
                uri,
                sha256,
                validation.toString()));
  }
}
