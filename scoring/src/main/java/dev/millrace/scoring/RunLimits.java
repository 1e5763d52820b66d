package dev.millrace.scoring;

import java.io.Serializable;
import java.time.Duration;

/**
 * When a run of a model is ended.
 *
 * @param first how long a run on a CPU may take before it is known how long runs take
 * @param least what any run may take
 * @param times how often the time that a batch of its size took when it was warm
 */
public record RunLimits(Duration first, Duration least, int times) implements Serializable {

  private static final int CUDA_TIMES = 6;

  /** It builds engines for minutes. */
  private static final int TENSORRT_TIMES = 90;

  /** For versions that serve: what is merely slow is not ended, what never comes back is. */
  public static final RunLimits SERVING =
      new RunLimits(Duration.ofSeconds(10), Duration.ofSeconds(1), 100);

  /** What a run may take before others have shown it; GPUs take time to get ready. */
  long firstNanos(ExecutionProvider provider) {
    return first.toNanos()
        * switch (provider) {
          case CPU -> 1;
          case CUDA -> CUDA_TIMES;
          case TENSORRT -> TENSORRT_TIMES;
        };
  }

  /** What a batch may take of which one took this long. */
  long nanos(long measuredNanos) {
    return Math.max(least.toNanos(), times * measuredNanos);
  }
}
