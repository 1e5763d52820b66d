package dev.millrace.inference;

import dev.millrace.core.model.Deployment;
import dev.millrace.streaming.DeadLetter;
import java.util.function.BiConsumer;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.jspecify.annotations.Nullable;

/** Sends on what comes of a batch: predictions, and to the side shadows and letters. */
final class ScoredOutput implements BatchScoring.Out {

  private final Output<StreamRecord<Prediction>> output;
  private final BiConsumer<Deployment, String> leftOut;

  /**
   * An operator's output.
   *
   * @param leftOut told of a version that is not asked any more
   */
  ScoredOutput(Output<StreamRecord<Prediction>> output, BiConsumer<Deployment, String> leftOut) {
    this.output = output;
    this.leftOut = leftOut;
  }

  @Override
  public void served(PendingEvent event, Prediction prediction) {
    output.collect(stamped(prediction, event.timestampMillis));
  }

  @Override
  public void shadow(PendingEvent event, Prediction prediction) {
    output.collect(ScoringOperator.SHADOWS, stamped(prediction, event.timestampMillis));
  }

  @Override
  public void refused(PendingEvent event, DeadLetter letter) {
    refuse(letter, event.timestampMillis);
  }

  @Override
  public void leftOut(Deployment deployment, String reason) {
    leftOut.accept(deployment, reason);
  }

  /** Sends a letter. */
  void refuse(DeadLetter letter, @Nullable Long timestampMillis) {
    output.collect(ScoringOperator.LETTERS, stamped(letter, timestampMillis));
  }

  private static <T> StreamRecord<T> stamped(T value, @Nullable Long timestampMillis) {
    return timestampMillis == null
        ? new StreamRecord<>(value)
        : new StreamRecord<>(value, timestampMillis);
  }
}
