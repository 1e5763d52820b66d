package dev.millrace.pipeline.batch;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.metrics.Counter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at the shelf at the start and then every {@code every}, and gives what is new to the one
 * reader. Where it cannot look it says so, counts it and looks again within a minute.
 */
final class DeliveryEnumerator implements SplitEnumerator<Delivery, DeliveryEnumerator.State> {

  private static final Logger LOG = LoggerFactory.getLogger(DeliveryEnumerator.class);
  private static final Duration LOOK_AGAIN = Duration.ofMinutes(1);
  private static final int READER = 0;

  /** What a checkpoint keeps: what is seen, and what no reader has yet. */
  record State(Seen seen, List<Delivery> waiting) {}

  /** A look, and what was seen before it; nothing is found where it was not time yet. */
  private record Look(Seen before, Shelf.@Nullable Found found) {}

  private final SplitEnumeratorContext<Delivery> context;
  private final String source;
  private final Shelf shelf;
  private final Duration every;
  private final List<Delivery> waiting;
  private final Counter failed;

  /** Read by the thread that looks. */
  private volatile Seen seen;

  private volatile long dueNanos = System.nanoTime();

  DeliveryEnumerator(
      SplitEnumeratorContext<Delivery> context,
      String source,
      Shelf shelf,
      Duration every,
      State state) {
    this.context = context;
    this.source = source;
    this.shelf = shelf;
    this.every = every;
    this.seen = state.seen();
    this.waiting = new ArrayList<>(state.waiting());
    this.failed = context.metricGroup().counter("looksFailed");
  }

  @Override
  public void start() {
    Duration pace = every.compareTo(LOOK_AGAIN) < 0 ? every : LOOK_AGAIN;
    context.callAsync(this::look, this::looked, 0, pace.toMillis());
  }

  private Look look() throws IOException {
    Seen before = seen;
    boolean due = System.nanoTime() - dueNanos >= 0;
    return new Look(before, due ? shelf.look(before) : null);
  }

  private void looked(@Nullable Look look, @Nullable Throwable problem) {
    if (look == null) {
      failed.inc();
      LOG.error("Cannot look for new rows of source {}; it is tried again", source, problem);
      return;
    }
    Shelf.Found found = look.found();
    // The next look may have begun before this one was taken in.
    if (found == null || !look.before().equals(seen)) {
      return;
    }
    dueNanos = System.nanoTime() + every.toNanos();
    if (!found.files().isEmpty()) {
      Delivery delivery = new Delivery(seen.nextOffset(), found.files(), found.tableSchema(), 0);
      LOG.info(
          "Source {}: {} rows in {} new files, from position 0:{}",
          source,
          delivery.rows(),
          found.files().size(),
          delivery.firstOffset());
      waiting.add(delivery);
    }
    seen = found.now().with(found.files());
    handOut();
  }

  private void handOut() {
    if (context.registeredReaders().containsKey(READER)) {
      waiting.forEach(delivery -> context.assignSplit(delivery, READER));
      waiting.clear();
    }
  }

  @Override
  public void addReader(int subtask) {
    handOut();
  }

  @Override
  public void addSplitsBack(List<Delivery> deliveries, int subtask) {
    waiting.addAll(deliveries);
    waiting.sort(Comparator.comparingLong(Delivery::firstOffset));
    handOut();
  }

  @Override
  public void handleSplitRequest(int subtask, @Nullable String host) {
    // Deliveries are given out as they are found.
  }

  @Override
  public State snapshotState(long checkpointId) {
    return new State(seen, List.copyOf(waiting));
  }

  @Override
  public void close() {
    // The thread that looks is the context's.
  }
}
