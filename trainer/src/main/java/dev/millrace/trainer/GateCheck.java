package dev.millrace.trainer;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.definition.Model.Gate;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * Whether a new version passes the gates of its model, and why.
 *
 * @param metrics measured on the holdout; null where nothing could be measured
 * @param delta against the champion; null where there is none to compare with
 * @param note what is to be said of the whole; null where nothing is
 */
public record GateCheck(
    boolean passed,
    List<Result> gates,
    @Nullable Metrics metrics,
    @Nullable PairedDelta delta,
    @Nullable String note) {

  private static final JsonMapper JSON = new JsonMapper();
  private static final Schema NO_FIELDS =
      Schema.createRecord("Nothing", null, "dev.millrace", false, List.of());
  private static final Map<String, Expression.Type> WITHOUT_DELTA =
      Map.of("metrics", Expression.Type.ANY, "tests", Expression.Type.ANY);
  private static final Map<String, Expression.Type> ALL =
      Map.of(
          "metrics", Expression.Type.ANY,
          "delta", Expression.Type.ANY,
          "tests", Expression.Type.ANY);
  private static final Pattern PATH =
      Pattern.compile("\\b(?:metrics|delta|tests)(?:\\.[A-Za-z_][A-Za-z_0-9]*)+");

  public GateCheck {
    gates = List.copyOf(gates);
  }

  /**
   * One gate.
   *
   * @param values what its check read, by path
   * @param note why it passed or failed where the values do not tell; null where they do
   */
  public record Result(
      String name,
      String check,
      boolean passed,
      Map<String, Object> values,
      @Nullable String note) {
    public Result {
      values = new LinkedHashMap<>(values);
    }
  }

  /**
   * Runs gates.
   *
   * @param uncompared why there is no delta although there is a champion; null where there is no
   *     champion, or there is a delta
   */
  public static GateCheck of(
      List<Gate> gates, Metrics metrics, @Nullable PairedDelta delta, @Nullable String uncompared) {
    Map<String, Object> variables = new LinkedHashMap<>();
    variables.put("metrics", values(metrics));
    variables.put("tests", Map.of());
    if (delta != null) {
      variables.put("delta", values(delta));
    }
    List<Result> results = new ArrayList<>();
    boolean passed = true;
    for (Gate gate : gates) {
      Result result = result(gate, variables, delta != null, uncompared);
      passed &= result.passed();
      results.add(result);
    }
    String note = gates.isEmpty() ? "no gates are defined" : null;
    return new GateCheck(passed, results, metrics, delta, note);
  }

  /**
   * Gates of a version that could not be measured: none of them holds.
   *
   * @param why it could not
   */
  static GateCheck unmeasured(List<Gate> gates, String why) {
    return new GateCheck(
        false,
        gates.stream()
            .map(gate -> new Result(gate.name(), gate.check(), false, Map.of(), "not measured"))
            .toList(),
        null,
        null,
        why);
  }

  private static Result result(
      Gate gate, Map<String, Object> variables, boolean compared, @Nullable String uncompared) {
    Map<String, Object> read = read(gate.check(), variables);
    if (!compared && mentionsDelta(gate.check())) {
      return uncompared == null
          ? new Result(gate.name(), gate.check(), true, read, "no champion")
          : new Result(gate.name(), gate.check(), false, read, uncompared);
    }
    try {
      Object holds =
          Expression.compile(gate.check(), NO_FIELDS, Expression.Type.BOOLEAN, ALL)
              .evaluate(new @Nullable Object[0], variables);
      return new Result(gate.name(), gate.check(), Boolean.TRUE.equals(holds), read, null);
    } catch (ExpressionException e) {
      return new Result(gate.name(), gate.check(), false, read, String.valueOf(e.getMessage()));
    }
  }

  /** A check that only compiles where there is a delta uses it. */
  private static boolean mentionsDelta(String check) {
    try {
      Expression unused =
          Expression.compile(check, NO_FIELDS, Expression.Type.BOOLEAN, WITHOUT_DELTA);
      return false;
    } catch (ExpressionException e) {
      return true;
    }
  }

  /** The values that a check names, for whoever asks why. */
  private static Map<String, Object> read(String check, Map<String, Object> variables) {
    Map<String, Object> read = new LinkedHashMap<>();
    Matcher paths = PATH.matcher(check);
    while (paths.find()) {
      Object value = variables;
      for (String step : paths.group().split("\\.", -1)) {
        value = value instanceof Map<?, ?> map ? map.get(step) : null;
      }
      if (value instanceof Number) {
        read.put(paths.group(), value);
      }
    }
    return read;
  }

  private static Map<String, Object> values(Metrics metrics) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("auc", metrics.auc());
    values.put("log_loss", metrics.logLoss());
    values.put("brier", metrics.brier());
    values.put("calibration_error", metrics.calibrationError());
    values.put("mean_predicted", metrics.meanPredicted());
    values.put("observed_rate", metrics.observedRate());
    values.put("count", metrics.count());
    values.put("positives", metrics.positives());
    return values;
  }

  private static Map<String, Object> values(PairedDelta delta) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("auc", values(delta.auc()));
    values.put("log_loss", values(delta.logLoss()));
    return values;
  }

  private static Map<String, Object> values(PairedDelta.Bounds bounds) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("value", bounds.value());
    values.put("low", bounds.low());
    values.put("high", bounds.high());
    return values;
  }

  /**
   * {@code passed}, {@code gates}, {@code metrics} and {@code delta}, as a validation says them.
   */
  public ObjectNode json() {
    ObjectNode json = JSON.createObjectNode();
    json.put("passed", passed);
    if (note != null) {
      json.put("note", note);
    }
    ArrayNode list = json.putArray("gates");
    for (Result gate : gates) {
      ObjectNode one = list.addObject();
      one.put("name", gate.name());
      one.put("check", gate.check());
      one.put("passed", gate.passed());
      one.set("values", JSON.valueToTree(gate.values()));
      if (gate.note() != null) {
        one.put("note", gate.note());
      }
    }
    if (metrics == null) {
      json.putNull("metrics");
    } else {
      json.set("metrics", JSON.valueToTree(values(metrics)));
    }
    if (delta == null) {
      json.putNull("delta");
    } else {
      ObjectNode compared = JSON.valueToTree(values(delta));
      compared.put("blocks", delta.blocks());
      compared.put("block_millis", delta.blockMillis());
      json.set("delta", compared);
    }
    return json;
  }
}
