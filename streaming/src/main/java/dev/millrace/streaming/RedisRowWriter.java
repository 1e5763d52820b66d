package dev.millrace.streaming;

import dev.millrace.core.definition.FeatureView.RedisOptions.Unavailable;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.RedisRowSink.Refreshes;
import java.io.IOException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.operators.ProcessingTimeService;
import org.apache.flink.api.connector.sink2.CommittingSinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.base.sink.writer.AsyncSinkWriter;
import org.apache.flink.connector.base.sink.writer.BufferedRequestState;
import org.apache.flink.connector.base.sink.writer.RequestEntryWrapper;
import org.apache.flink.connector.base.sink.writer.ResultHandler;
import org.apache.flink.connector.base.sink.writer.config.AsyncSinkWriterConfiguration;
import org.apache.flink.metrics.Counter;
import org.jspecify.annotations.Nullable;

/**
 * The writer of one subtask. Rows of events wait in a {@link RowBuffer}, one thread sends them;
 * refreshed rows wait for the checkpoint.
 *
 * <p>Requests under way are tried once: rows that Redis did not take return to the buffer, where a
 * newer row may overtake them, and Redis is left alone for a moment. So a checkpoint never waits
 * for Redis longer than for one answer, and takes along what waits.
 */
final class RedisRowWriter extends AsyncSinkWriter<FeatureRow, RowRequest>
    implements CommittingSinkWriter<FeatureRow, Refreshes> {

  static final int BATCH_ROWS = 256;

  /** From here on the job waits, and so do its sources. */
  static final int WAITING_ROWS = 2_048;

  /** The newest rows that stay while others are let go. */
  static final int KEPT_ROWS = 65_536;

  private static final long CLOSING_SECONDS = 5;
  private static final long NO_LIMIT = Long.MAX_VALUE / 4;

  /** The base's own timers and bounds have nothing to do: the pace and {@link #write} decide. */
  private static final long A_CENTURY_MILLIS = TimeUnit.DAYS.toMillis(36_500);

  private static final Context NUDGE =
      new Context() {
        @Override
        public long currentWatermark() {
          return Long.MIN_VALUE;
        }

        @Override
        public @Nullable Long timestamp() {
          return null;
        }
      };

  private final RowStore store;
  private final RowBuffer waiting;
  private final RowPace pace;
  private final RedisOutage outage;
  private final Counter coalesced;
  private final MailboxExecutor mailbox;
  private final ProcessingTimeService time;
  private final ExecutorService sender;
  private final Map<String, FeatureRow> refreshes = new LinkedHashMap<>();
  private volatile Failure failure = new Failure("", 0, false);

  /** How the last try failed that did. */
  private record Failure(String reason, long startedMillis, boolean tookSome) {}

  static RedisRowWriter open(
      WriterInitContext context,
      RowStore store,
      String redis,
      Unavailable unavailable,
      Collection<BufferedRequestState<RowRequest>> restored) {
    Counter coalesced = context.metricGroup().counter("redisRowsCoalesced");
    ProcessingTimeService time = context.getProcessingTimeService();
    RedisRowWriter writer =
        new RedisRowWriter(
            context,
            store,
            new RowBuffer(BATCH_ROWS, coalesced),
            new RowPace(),
            new RedisOutage(
                redis, unavailable, time::getCurrentProcessingTime, context.metricGroup()),
            coalesced,
            restored);
    writer.begin();
    return writer;
  }

  private RedisRowWriter(
      WriterInitContext context,
      RowStore store,
      RowBuffer waiting,
      RowPace pace,
      RedisOutage outage,
      Counter coalesced,
      Collection<BufferedRequestState<RowRequest>> restored) {
    super(
        (row, written) -> new RowRequest(row, written == NUDGE),
        context,
        AsyncSinkWriterConfiguration.builder()
            .setMaxBatchSize(BATCH_ROWS)
            .setMaxBatchSizeInBytes(NO_LIMIT)
            .setMaxInFlightRequests(1)
            .setMaxBufferedRequests(Integer.MAX_VALUE)
            .setMaxTimeInBufferMS(A_CENTURY_MILLIS)
            .setMaxRecordSizeInBytes(NO_LIMIT)
            .setRequestTimeoutMS(A_CENTURY_MILLIS)
            .setFailOnTimeout(false)
            .setRateLimitingStrategy(pace)
            .build(),
        restored,
        waiting,
        waiting);
    this.store = store;
    this.waiting = waiting;
    this.pace = pace;
    this.outage = outage;
    this.coalesced = coalesced;
    this.mailbox = context.getMailboxExecutor();
    this.time = context.getProcessingTimeService();
    String name = "redis-rows-" + context.getTaskInfo().getIndexOfThisSubtask();
    this.sender =
        Executors.newSingleThreadExecutor(
            work -> {
              Thread thread = new Thread(work, name);
              thread.setDaemon(true);
              return thread;
            });
  }

  private void begin() {
    pace.tell(this::ended);
    if (!waiting.isEmpty()) {
      nudgeIn(0);
    }
  }

  @Override
  public void write(FeatureRow row, Context context) throws IOException, InterruptedException {
    pace.hold(false);
    if (row.refresh()) {
      if (refreshes.put(row.entityKey(), row) != null) {
        coalesced.inc();
      }
      return;
    }
    if (waiting.overtake(new RowRequest(row))) {
      return;
    }
    while (waiting.size() >= WAITING_ROWS && !outage.skips()) {
      mailbox.yield();
    }
    super.write(row, context);
    while (waiting.size() > KEPT_ROWS) {
      RequestEntryWrapper<RowRequest> unusedOldest = waiting.poll();
      outage.skipped(1);
    }
  }

  @Override
  protected void submitRequestEntries(
      List<RowRequest> requests, ResultHandler<RowRequest> handler) {
    long startedMillis = time.getCurrentProcessingTime();
    try {
      sender.execute(() -> send(requests, startedMillis, handler));
    } catch (RejectedExecutionException e) {
      throw new IllegalStateException("Cannot send rows to Redis: the sink is closed", e);
    }
  }

  @Override
  protected long getSizeInBytes(RowRequest request) {
    return request.sizeBytes();
  }

  /** On the sender's thread. */
  private void send(
      List<RowRequest> requests, long startedMillis, ResultHandler<RowRequest> handler) {
    try {
      RowStore.Attempt attempt = store.write(requests.stream().map(RowRequest::row).toList());
      if (attempt.whole()) {
        handler.complete();
        return;
      }
      failure =
          new Failure(
              String.valueOf(attempt.reason()),
              startedMillis,
              attempt.left().size() < requests.size());
      handler.retryForEntries(attempt.left().stream().map(RowRequest::new).toList());
    } catch (RejectedExecutionException e) {
      // The task is gone, and with it whoever waits for the answer.
      return;
    } catch (IOException | RuntimeException e) {
      handler.completeExceptionally(e);
    }
  }

  private void ended(int left) {
    if (left == 0) {
      outage.answered();
      return;
    }
    Failure last = failure;
    long pauseMillis = outage.failed(last.reason(), last.startedMillis(), last.tookSome());
    if (!pace.paused()) {
      pace.pause(true);
      nudgeIn(pauseMillis);
    }
  }

  // What the timer throws fails the task by itself.
  @SuppressWarnings("FutureReturnValueIgnored")
  private void nudgeIn(long millis) {
    time.registerTimer(
        time.getCurrentProcessingTime() + millis,
        at -> {
          pace.pause(false);
          nudge();
        });
  }

  /** The base sends when a row comes, so the oldest comes once more. */
  private void nudge() throws IOException, InterruptedException {
    RequestEntryWrapper<RowRequest> oldest = waiting.poll();
    if (oldest != null) {
      super.write(oldest.getRequestEntry().row(), NUDGE);
    }
  }

  /**
   * Before a checkpoint: waits for what is under way, and leaves what waits to the state. At the
   * end of the input: waits for all.
   */
  @Override
  public void flush(boolean endOfInput) throws InterruptedException {
    if (!endOfInput) {
      pace.hold(true);
      super.flush(false);
      return;
    }
    pace.hold(false);
    try {
      nudge();
    } catch (IOException e) {
      throw new IllegalStateException("Cannot send the last rows to Redis: " + e.getMessage(), e);
    }
    while (pace.underWay() > 0 || !waiting.isEmpty()) {
      if (outage.skips() && !waiting.isEmpty()) {
        outage.skipped(waiting.size());
        waiting.clear();
      } else {
        mailbox.yield();
      }
    }
  }

  @Override
  public List<BufferedRequestState<RowRequest>> snapshotState(long checkpointId) {
    List<BufferedRequestState<RowRequest>> state = super.snapshotState(checkpointId);
    pace.hold(false);
    if (!waiting.isEmpty() && !pace.paused()) {
      nudgeIn(0);
    }
    return state;
  }

  @Override
  public Collection<Refreshes> prepareCommit() {
    if (refreshes.isEmpty()) {
      return List.of();
    }
    Refreshes prepared = new Refreshes(List.copyOf(refreshes.values()));
    refreshes.clear();
    return List.of(prepared);
  }

  @Override
  public void close() {
    List<Runnable> unusedWaiting = sender.shutdownNow();
    try {
      boolean unusedEnded = sender.awaitTermination(CLOSING_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      store.close();
    }
  }
}
