package dev.millrace.trainer;

import dev.millrace.core.definition.Model;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What XGBoost is told: {@code training.parameters} of the definition, with what must not vary
 * fixed.
 *
 * @param trees the most trees
 * @param earlyStopping trees without a better validation log loss after which training ends; 0
 *     where it never does
 * @param settings by XGBoost's own names, the same for the same definition
 */
record XgboostParameters(int trees, int earlyStopping, Map<String, Object> settings) {

  private static final int TREES = 100;
  private static final int EARLY_STOPPING = 20;
  private static final double DEPTH = 6;

  /** One thread: OpenMP's threads wait on one another where a machine is shared. */
  private static final int THREADS = 1;

  private static final Map<String, String> SYNONYMS =
      Map.of(
          "depth", "max_depth",
          "learning_rate", "eta",
          "reg_lambda", "lambda",
          "reg_alpha", "alpha",
          "min_split_loss", "gamma");

  private static final Set<String> TAKEN_OVER =
      Set.of(
          "max_depth",
          "eta",
          "lambda",
          "alpha",
          "gamma",
          "min_child_weight",
          "max_delta_step",
          "subsample",
          "colsample_bytree",
          "colsample_bylevel",
          "colsample_bynode",
          "max_leaves",
          "max_bin",
          "scale_pos_weight",
          "base_score");

  XgboostParameters {
    settings = new TreeMap<>(settings);
  }

  static XgboostParameters of(Model.Training config) {
    Map<String, Double> left = new TreeMap<>(config.parameters());
    int trees = whole("trees", left.remove("trees"), TREES, 1);
    int stop =
        whole("early_stopping_rounds", left.remove("early_stopping_rounds"), EARLY_STOPPING, 0);
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("max_depth", text(DEPTH));
    List<String> unknown = new ArrayList<>();
    left.forEach(
        (name, value) -> {
          String own = SYNONYMS.getOrDefault(name, name);
          if (TAKEN_OVER.contains(own)) {
            settings.put(own, text(value));
          } else {
            unknown.add(name);
          }
        });
    if (!unknown.isEmpty()) {
      Set<String> known = new TreeSet<>(TAKEN_OVER);
      known.addAll(SYNONYMS.keySet());
      known.addAll(Set.of("trees", "early_stopping_rounds"));
      throw TrainingException.ofDefinition(
          "Cannot train with parameters %s: XGBoost is not given them; use some of %s"
              .formatted(unknown, known));
    }
    settings.put("objective", "binary:logistic");
    settings.put("eval_metric", "logloss");
    settings.put("booster", "gbtree");
    settings.put("tree_method", "hist");
    settings.put("device", "cpu");
    settings.put("nthread", THREADS);
    settings.put("seed", config.seed());
    settings.put("verbosity", 0);
    return new XgboostParameters(trees, stop, settings);
  }

  private static int whole(String name, @Nullable Double value, int otherwise, int least) {
    if (value == null) {
      return otherwise;
    }
    if (value != Math.rint(value) || value < least || value > Integer.MAX_VALUE) {
      throw TrainingException.ofDefinition(
          "Cannot train with %s %s: it is no whole number from %d on"
              .formatted(name, text(value), least));
    }
    return value.intValue();
  }

  /** Whole numbers without a fraction, which XGBoost would refuse. */
  private static String text(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : new BigDecimal(Double.toString(value)).toPlainString();
  }
}
