package dev.millrace.pipeline.batch;

import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.SourcePlan;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.metrics.Counter;
import org.jspecify.annotations.Nullable;

/** Reads one delivery after the other; how far it is in the first is in the checkpoint. */
final class DeliveryReader implements SourceReader<Inbound, Delivery> {

  private final SourcePlan plan;
  private final Queue<Delivery> deliveries = new ArrayDeque<>();
  private final Counter unreadable;

  private @Nullable DeliveryRows rows;
  private CompletableFuture<Void> available = new CompletableFuture<>();
  private boolean ended;

  DeliveryReader(SourcePlan plan, SourceReaderContext context) {
    this.plan = plan;
    this.unreadable = context.metricGroup().counter("filesUnreadable");
  }

  @Override
  public void start() {
    // Deliveries come by themselves.
  }

  @Override
  public InputStatus pollNext(ReaderOutput<Inbound> output) throws IOException {
    DeliveryRows open = rows;
    if (open == null) {
      Delivery next = deliveries.peek();
      if (next == null) {
        if (available.isDone()) {
          available = new CompletableFuture<>();
        }
        return ended ? InputStatus.END_OF_INPUT : InputStatus.NOTHING_AVAILABLE;
      }
      open = DeliveryRows.open(plan, next, unreadable::inc);
      rows = open;
    }
    Inbound inbound = open.next();
    if (inbound == null) {
      close();
      rows = null;
      deliveries.remove();
    } else {
      Event event = inbound.event();
      if (event == null) {
        output.collect(inbound);
      } else {
        output.collect(inbound, event.eventTimeMillis());
      }
    }
    return InputStatus.MORE_AVAILABLE;
  }

  @Override
  public List<Delivery> snapshotState(long checkpointId) {
    List<Delivery> all = new ArrayList<>(deliveries);
    DeliveryRows open = rows;
    if (open != null) {
      all.set(0, all.get(0).after(open.handedOn()));
    }
    return all;
  }

  @Override
  public CompletableFuture<Void> isAvailable() {
    return rows != null || !deliveries.isEmpty()
        ? CompletableFuture.completedFuture(null)
        : available;
  }

  @Override
  public void addSplits(List<Delivery> more) {
    deliveries.addAll(more);
    available.complete(null);
  }

  @Override
  public void notifyNoMoreSplits() {
    ended = true;
    available.complete(null);
  }

  @Override
  public void close() throws IOException {
    DeliveryRows open = rows;
    if (open != null) {
      open.close();
    }
  }
}
