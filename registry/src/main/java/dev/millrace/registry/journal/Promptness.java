package dev.millrace.registry.journal;

import java.time.Duration;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;

/**
 * When what a task has decided is committed. Somebody waits for it, so at once; but a commit takes
 * longer than many decisions, so what had to wait for others already is committed together with
 * what comes in the next milliseconds.
 */
public final class Promptness {

  /** A few commits: who has waited longer stands in a queue. */
  private static final long QUEUED_MILLIS = 25;

  private static final long TOGETHER_MILLIS = 20;
  private static final Duration LOOK_EVERY = Duration.ofMillis(10);
  private static final long NOTHING = Long.MIN_VALUE;

  private final ProcessorContext<?, ?> context;
  private long waitingSinceMillis = NOTHING;

  private Promptness(ProcessorContext<?, ?> context) {
    this.context = context;
  }

  /** For one task, from its beginning. */
  public static Promptness of(ProcessorContext<?, ?> context) {
    Promptness promptness = new Promptness(context);
    var unusedUntilTheEnd =
        context.schedule(LOOK_EVERY, PunctuationType.WALL_CLOCK_TIME, promptness::look);
    return promptness;
  }

  /** A command became something, which is written. */
  public void decided(Record<?, ?> command) {
    long nowMillis = context.currentSystemTimeMs();
    // The time of a record of a journal is that of the broker, when it was appended.
    if (nowMillis - command.timestamp() < QUEUED_MILLIS) {
      commit();
    } else if (waitingSinceMillis == NOTHING) {
      waitingSinceMillis = nowMillis;
    } else {
      look(nowMillis);
    }
  }

  /** Something came to be without a command. */
  public void commit() {
    waitingSinceMillis = NOTHING;
    context.commit();
  }

  private void look(long nowMillis) {
    if (waitingSinceMillis != NOTHING && nowMillis - waitingSinceMillis >= TOGETHER_MILLIS) {
      commit();
    }
  }
}
