package dev.millrace.inference;

import dev.millrace.scoring.InputTensor;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** What waits for the thread that scores a model on request. */
sealed interface Ask {

  /** Tells the client why; whoever has an answer keeps it. */
  void fail(Throwable why);

  /** When nobody waits for the answer any more, by the clock of the model's thread. */
  long overAtNanos();

  /** Whether nobody waits any more. */
  default boolean isOver(long nowNanos) {
    return nowNanos - overAtNanos() >= 0;
  }

  record Score(Event event, long overAtNanos, CompletableFuture<Scored> answer) implements Ask {
    @Override
    public void fail(Throwable why) {
      answer.completeExceptionally(why);
    }
  }

  record Infer(
      @Nullable Integer version,
      InferRequest request,
      long overAtNanos,
      CompletableFuture<Inferred> answer)
      implements Ask {
    @Override
    public void fail(Throwable why) {
      answer.completeExceptionally(why);
    }
  }

  record Describe(@Nullable Integer version, long overAtNanos, CompletableFuture<Described> answer)
      implements Ask {
    @Override
    public void fail(Throwable why) {
      answer.completeExceptionally(why);
    }
  }

  /** Only that the thread looks around. */
  record Wake() implements Ask {
    @Override
    public void fail(Throwable why) {}

    @Override
    public long overAtNanos() {
      return 0;
    }

    @Override
    public boolean isOver(long nowNanos) {
      return false;
    }
  }

  /** What a version is to those who send tensors. */
  record Described(List<Integer> versions, List<InputTensor> tensors, List<String> inputs) {}

  /** Scores of the rows of a request. */
  // Nobody compares these.
  record Inferred(int version, double[] scores) {}

  /** What became of an event: a prediction, or the letter that the stream would have written. */
  record Scored(@Nullable Prediction prediction, @Nullable DeadLetter letter) {}
}
