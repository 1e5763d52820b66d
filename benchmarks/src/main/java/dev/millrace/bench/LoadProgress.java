package dev.millrace.bench;

import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.functions.MapFunction;

/**
 * Counts the events that a job has taken from its source. A job that cannot follow holds its source
 * back, so over seconds this is the pace of its slowest operator.
 *
 * <p>The count is the JVM's: one job a JVM, read by one task.
 */
final class LoadProgress implements MapFunction<Long, Long> {

  private static final long serialVersionUID = 1L;
  private static final AtomicLong TAKEN = new AtomicLong();

  static long taken() {
    return TAKEN.get();
  }

  @Override
  public Long map(Long number) {
    TAKEN.lazySet(TAKEN.getPlain() + 1);
    return number;
  }
}
