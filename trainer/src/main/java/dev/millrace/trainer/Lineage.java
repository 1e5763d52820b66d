package dev.millrace.trainer;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.scoring.OnnxModel;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Everything that a version came from, as JSON: what is needed to make or to judge it again. */
final class Lineage {

  private static final JsonMapper JSON = new JsonMapper();

  /** The whole story, for {@code lineage.json}. */
  static ObjectNode of(
      TrainingSet set,
      TrainingRun run,
      long seed,
      String idempotencyKey,
      @Nullable Integer projectRevision,
      String actor,
      long trainedAtMillis) {
    ObjectNode lineage = JSON.createObjectNode();
    lineage.put("project", set.project());
    lineage.put("project_revision", projectRevision);
    lineage.put("model", set.model());
    lineage.put("idempotency_key", idempotencyKey);
    lineage.put("trained_at", utc(trainedAtMillis));
    lineage.put("actor", actor);
    ObjectNode artifact = lineage.putObject("artifact");
    artifact.put("file", VersionFolder.MODEL);
    artifact.put("sha256", run.sha256());
    artifact.put("bytes", run.onnx().length);
    artifact.put("format", "onnx");
    artifact.put("opset", XgboostToOnnx.OPSET);
    artifact.put("ml_opset", XgboostToOnnx.ML_OPSET);
    run.inputs().forEach(lineage.putArray("inputs")::add);
    describe(set, lineage, "training_set");
    ObjectNode training = lineage.putObject("training");
    training.put("trainer", "xgboost");
    training.put("seed", seed);
    training.put("trees", run.trees());
    ObjectNode parameters = training.putObject("parameters");
    run.settings().forEach((name, value) -> parameters.put(name, String.valueOf(value)));
    ObjectNode crossFitting = training.putObject("cross_fitting");
    crossFitting.put("folds", run.crossFitting().folds());
    crossFitting.put("block", Duration.ofMillis(run.crossFitting().blockMillis()).toString());
    part(training, "training", run.parts().training(), run.parts().trainingUntilMillis());
    part(training, "validation", run.parts().validation(), run.parts().validationUntilMillis());
    part(training, "holdout", run.parts().holdout(), set.bounds().endMillis());
    lineage.set("metrics", metrics(run));
    ObjectNode versions = lineage.putObject("versions");
    versions.put("xgboost", xgboost());
    versions.put("onnxruntime", OnnxModel.runtimeVersion());
    versions.put("java", Runtime.version().toString());
    versions.put("os", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    return lineage;
  }

  /** Which rows a set has, and from where. */
  static void describe(TrainingSet set, ObjectNode lineage, String name) {
    ObjectNode data = lineage.putObject(name);
    data.put("sha256", set.sha256());
    data.put("rows", set.size());
    data.put("window_after", utc(set.bounds().startMillis()));
    data.put("window_until", utc(set.bounds().endMillis()));
    data.put("known_until", utc(set.bounds().knownMillis()));
    data.put("events", set.origin().events());
    data.put("repeats", set.origin().repeats());
    data.put("unlabelled", set.origin().unlabelled());
    data.put("uncomputed_inputs", set.origin().uncomputed());
    ObjectNode snapshots = lineage.putObject("snapshots");
    set.origin().snapshots().forEach(snapshots::put);
    ObjectNode views = lineage.putObject("views");
    set.origin().views().forEach(views::put);
  }

  /** What the journal says of a version: enough to choose one without its file. */
  static ObjectNode summary(TrainingSet set, TrainingRun run, String lineageUri) {
    ObjectNode summary = JSON.createObjectNode();
    summary.put("project", set.project());
    summary.put("lineage", lineageUri);
    run.inputs().forEach(summary.putArray("inputs")::add);
    ObjectNode views = summary.putObject("views");
    set.origin().views().forEach(views::put);
    summary.put("training_set", set.sha256());
    summary.put("window_after", utc(set.bounds().startMillis()));
    summary.put("window_until", utc(set.bounds().endMillis()));
    summary.set("metrics", metrics(run));
    return summary;
  }

  static ObjectNode metrics(TrainingRun run) {
    ObjectNode metrics = JSON.createObjectNode();
    metrics.set("validation", metrics(run.validation()));
    metrics.set("holdout", metrics(run.holdout()));
    return metrics;
  }

  static ObjectNode metrics(Metrics measured) {
    ObjectNode metrics = JSON.createObjectNode();
    metrics.put("count", measured.count());
    metrics.put("positives", measured.positives());
    metrics.put("auc", measured.auc());
    metrics.put("log_loss", measured.logLoss());
    metrics.put("brier", measured.brier());
    metrics.put("calibration_error", measured.calibrationError());
    metrics.put("mean_predicted", measured.meanPredicted());
    metrics.put("observed_rate", measured.observedRate());
    return metrics;
  }

  private static void part(ObjectNode training, String name, int rows, long untilMillis) {
    ObjectNode part = training.putObject(name);
    part.put("rows", rows);
    part.put("until", utc(untilMillis));
  }

  static @Nullable String utc(long millis) {
    return millis == Long.MIN_VALUE ? null : Instant.ofEpochMilli(millis).toString();
  }

  private static String xgboost() {
    try (InputStream in = Lineage.class.getResourceAsStream("/xgboost4j-version.properties")) {
      if (in == null) {
        throw new IllegalStateException("Cannot say the version of XGBoost: its jar has none");
      }
      // "version=3.0.4", in one line.
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8).trim();
      return text.substring(text.indexOf('=') + 1);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read the version of XGBoost", e);
    }
  }

  private Lineage() {}
}
