package dev.millrace.core.definition;

import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A model: the events it scores, its inputs in order, and what is done with its score.
 *
 * @param inputs the signature: {@code view:*} already expanded, in the order of the definition
 * @param missingDefault what stands for a missing input; NaN unless the definition says otherwise
 * @param missing the same for single inputs, by input name
 * @param fallback CEL for the score when no model can answer; null where there is none
 */
public record Model(
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

  public Model {
    inputs = List.copyOf(inputs);
    missing = Map.copyOf(missing);
    decisions = List.copyOf(decisions);
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

    /**
     * A feature of a view, read for the event's entity.
     *
     * @param keyFields the fields of the model's source that hold the entity's keys, in its order
     */
    record OfView(String name, String view, String feature, List<String> keyFields)
        implements Input {
      public OfView {
        keyFields = List.copyOf(keyFields);
      }
    }

    /** A CEL expression over the event itself. */
    record OnDemand(String name, String value) implements Input {}
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
}
