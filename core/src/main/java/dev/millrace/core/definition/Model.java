package dev.millrace.core.definition;

import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A model: the events it scores, its inputs in order, and what is done with its score.
 *
 * @param inputs the signature: {@code view:*} already expanded, in the order of the definition
 * @param missingDefault what stands for a missing input; NaN unless the definition says otherwise
 * @param missing the same for single inputs, by input name; of texts nothing
 * @param missingTexts what stands for a missing text, by input name; an empty one where nothing is
 *     said
 * @param fallback CEL for the score when no model can answer; null where there is none
 */
public record Model(
    String name,
    String source,
    FeatureReads features,
    List<Input> inputs,
    double missingDefault,
    Map<String, Double> missing,
    Map<String, String> missingTexts,
    Duration maxFeatureWait,
    Execution execution,
    List<Decision> decisions,
    @Nullable String fallback,
    Delivery delivery,
    @Nullable Label label,
    @Nullable Training training,
    List<Gate> gates,
    Monitoring monitoring,
    @Nullable Retraining retraining,
    @Nullable Rollout rollout,
    List<Experiment> experiments) {

  public Model {
    experiments = List.copyOf(experiments);
    inputs = List.copyOf(inputs);
    missing = Map.copyOf(missing);
    missingTexts = Map.copyOf(missingTexts);
    decisions = List.copyOf(decisions);
    gates = List.copyOf(gates);
  }

  /** A model without experiments, and without a word on missing texts. */
  public Model(
      String name,
      String source,
      FeatureReads features,
      List<Input> inputs,
      double missingDefault,
      Map<String, Double> missing,
      Duration maxFeatureWait,
      Execution execution,
      List<Decision> decisions,
      @Nullable String fallback,
      Delivery delivery,
      @Nullable Label label,
      @Nullable Training training,
      List<Gate> gates,
      Monitoring monitoring,
      @Nullable Retraining retraining,
      @Nullable Rollout rollout) {
    this(
        name,
        source,
        features,
        inputs,
        missingDefault,
        missing,
        Map.of(),
        maxFeatureWait,
        execution,
        decisions,
        fallback,
        delivery,
        label,
        training,
        gates,
        monitoring,
        retraining,
        rollout,
        List.of());
  }

  /** A model whose later life is left to people. */
  public Model(
      String name,
      String source,
      FeatureReads features,
      List<Input> inputs,
      double missingDefault,
      Map<String, Double> missing,
      Duration maxFeatureWait,
      Execution execution,
      List<Decision> decisions,
      @Nullable String fallback,
      Delivery delivery,
      @Nullable Label label,
      @Nullable Training training) {
    this(
        name,
        source,
        features,
        inputs,
        missingDefault,
        missing,
        maxFeatureWait,
        execution,
        decisions,
        fallback,
        delivery,
        label,
        training,
        List.of(),
        Monitoring.DEFAULT,
        null,
        null);
  }

  public enum FeatureReads {
    ONLINE,
    AS_OF
  }

  public enum Delivery {
    AT_LEAST_ONCE,
    EXACTLY_ONCE
  }

  /** One input of the signature. */
  public sealed interface Input {
    String name();

    Kind kind();

    /** What the values of an input are. */
    enum Kind {
      /** True and false are 1 and 0. */
      NUMBER,
      /** A list of numbers, as many as the version's file takes. */
      VECTOR,
      TEXT
    }

    /**
     * A feature of a view, read for the event's entity.
     *
     * @param keyFields the fields of the model's source that hold the entity's keys, in its order
     */
    record OfView(String name, String view, String feature, List<String> keyFields, Kind kind)
        implements Input {
      public OfView {
        keyFields = List.copyOf(keyFields);
      }

      /** A feature that is a number. */
      public OfView(String name, String view, String feature, List<String> keyFields) {
        this(name, view, feature, keyFields, Kind.NUMBER);
      }
    }

    /** A CEL expression over the event itself. */
    record OnDemand(String name, String value, Kind kind) implements Input {

      /** One that gives a number. */
      public OnDemand(String name, String value) {
        this(name, value, Kind.NUMBER);
      }
    }

    default boolean isVector() {
      return kind() == Kind.VECTOR;
    }

    default boolean isText() {
      return kind() == Kind.TEXT;
    }
  }

  public enum Provider {
    AUTO,
    CPU,
    CUDA,
    TENSORRT
  }

  /** How scoring runs: provider, the largest batch, the longest wait for one to fill. */
  public record Execution(
      Provider provider, int maxRows, Duration maxDelay, @Nullable Duration latency) {}

  /** The first decision whose CEL condition holds names the prediction's decision. */
  public record Decision(String name, String when) implements Serializable {}

  /**
   * Where the truth comes from.
   *
   * @param on the field, in the label's source, that holds the scored event's id
   * @param value CEL over the label source's fields
   * @param absentValue the label of an event that got none within {@code labelWait}; null leaves it
   *     out
   */
  public record Label(
      String source,
      String on,
      String value,
      Duration labelWait,
      @Nullable Double absentValue,
      Repeat repeat) {

    public enum Repeat {
      FIRST,
      LAST
    }
  }

  /** How a version is trained; {@code window} ends at the training's as-of time. */
  public record Training(
      String trainer,
      Duration window,
      Duration validation,
      Duration holdout,
      Map<String, Double> parameters,
      long seed) {

    public Training {
      parameters = Map.copyOf(parameters);
    }
  }

  /** What a new version must show; CEL over {@code metrics}, {@code delta} and {@code tests}. */
  public record Gate(String name, String check) implements Serializable {}

  /**
   * How drift and performance are watched.
   *
   * @param window of event time that one statistic covers
   * @param season after which the same hours come again
   * @param segments fields of the model's source by whose values statistics are also computed
   * @param falseAlarms how many false alarms are accepted in {@code falseAlarmsPer}, over all
   *     statistics of the model
   */
  public record Monitoring(
      Duration window,
      Duration season,
      List<String> segments,
      double falseAlarms,
      Duration falseAlarmsPer)
      implements Serializable {

    /** What holds where the definition says nothing. */
    public static final Monitoring DEFAULT =
        new Monitoring(Duration.ofHours(1), Duration.ofDays(7), List.of(), 1, Duration.ofDays(30));

    public Monitoring {
      segments = List.copyOf(segments);
    }
  }

  /** Why a model is trained again. */
  public enum Cause {
    PERFORMANCE,
    CONCEPT,
    COVARIATE,
    SCHEDULE
  }

  /**
   * When a model is trained again. All durations are event time.
   *
   * @param schedule between trainings where {@code on} has SCHEDULE
   * @param cooldown from a request to the next
   * @param minLabels mature labels since the last training that a request needs
   * @param quiet no request within these hours, UTC
   */
  public record Retraining(
      Set<Cause> on,
      @Nullable Duration schedule,
      Duration cooldown,
      int maxPerWeek,
      long minLabels,
      @Nullable Quiet quiet)
      implements Serializable {
    public Retraining {
      on = Set.copyOf(on);
    }

    /** From a minute of the day to another, UTC; over midnight where the first is the larger. */
    public record Quiet(int fromMinute, int toMinute) implements Serializable {}
  }

  public enum Hypothesis {
    SUPERIOR,
    NON_INFERIOR
  }

  /**
   * How a new version comes to serve everything. All durations are event time.
   *
   * @param unit the entity or field by which events are assigned to the canary
   * @param unitFields the fields of the model's source that the unit stands for, in order
   * @param margin how much worse, in mean clipped log loss, still counts as not worse
   * @param block length of the blocks whose means are compared
   * @param canary growing percentages of the units
   * @param step how long each percentage is held at least
   * @param approval null where none is needed
   */
  public record Rollout(
      String unit,
      List<String> unitFields,
      Hypothesis hypothesis,
      double margin,
      Duration block,
      Duration shadow,
      List<Integer> canary,
      Duration step,
      Duration probation,
      @Nullable String approval)
      implements Serializable {
    public Rollout {
      unitFields = List.copyOf(unitFields);
      canary = List.copyOf(canary);
    }
  }

  /**
   * What tells units apart, so that something may be done differently with some of them.
   *
   * @param unit the entity or field by which events are assigned to an arm
   * @param unitFields the fields of the model's source that the unit stands for, in order
   * @param arms each arm's share of the units, in per cent
   */
  public record Experiment(
      String name, String unit, List<String> unitFields, Map<String, Integer> arms)
      implements Serializable {
    public Experiment {
      unitFields = List.copyOf(unitFields);
      arms = Map.copyOf(arms);
    }
  }
}
