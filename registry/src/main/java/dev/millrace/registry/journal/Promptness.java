package dev.millrace.registry.journal;

import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;

/**
 * When what was decided is committed. Somebody waits for it, so at once; but a commit takes longer
 * than many decisions, so what has waited for others already is committed together, by Kafka
 * Streams' own interval.
 */
public final class Promptness {

  /** A few commits: who has waited longer stands in a queue. */
  private static final long QUEUED_MILLIS = 25;

  private Promptness() {}

  /** Told of each command that became something, after its event was written. */
  public static void decided(ProcessorContext<?, ?> context, Record<?, ?> command) {
    // The time of a record of a journal is that of the broker, when it was appended.
    if (context.currentSystemTimeMs() - command.timestamp() < QUEUED_MILLIS) {
      context.commit();
    }
  }
}
