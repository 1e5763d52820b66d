package dev.millrace.streaming.transactions;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connector's committer, whose failures for a known reason are looked into. The connector means
 * by them that Kafka knows the transaction no more, and Flink logs that and goes on. It is harmless
 * where the transaction had been committed before the job fell back to its checkpoint, and the loss
 * of all its records where Kafka aborted it because it was open for too long.
 *
 * <p>The others of the same checkpoint are committed first, so one error names all that is lost.
 */
final class LossCheckedCommitter<C> implements Committer<Marked<C>> {

  private static final Logger LOG = LoggerFactory.getLogger(LossCheckedCommitter.class);

  private final Committer<C> committer;
  private final Fates fates;
  private final AcceptedLosses accepted;
  private final String what;
  private final Counter committedBefore;
  private final Counter lost;
  private final Counter unmarked;

  /**
   * A committer around the connector's.
   *
   * @param what the sink and its timeout, for messages
   */
  LossCheckedCommitter(
      Committer<C> committer,
      Fates fates,
      AcceptedLosses accepted,
      String what,
      MetricGroup metrics) {
    this.committer = committer;
    this.fates = fates;
    this.accepted = accepted;
    this.what = what;
    this.committedBefore = metrics.counter("transactionsCommittedBefore");
    this.lost = metrics.counter("transactionsLost");
    this.unmarked = metrics.counter("transactionsUnmarked");
  }

  @Override
  public void commit(Collection<CommitRequest<Marked<C>>> requests)
      throws IOException, InterruptedException {
    List<Unmarked<C>> unmarked = requests.stream().map(Unmarked::new).toList();
    committer.commit(List.copyOf(unmarked));
    List<String> losses = new ArrayList<>();
    for (Unmarked<C> request : unmarked) {
      Throwable cause = request.failure;
      if (cause != null) {
        lookInto(request.marked, cause, losses);
      }
    }
    if (!losses.isEmpty()) {
      throw new IOException(message(losses));
    }
  }

  private void lookInto(CommitRequest<Marked<C>> request, Throwable cause, List<String> losses)
      throws IOException {
    Marked<C> marked = request.getCommittable();
    Mark mark = marked.mark();
    if (mark == null) {
      // Of an older build. It was committed, most likely, and its id is another transaction's now:
      // to fail would be to fail at each restart.
      unmarked.inc();
      LOG.error(
          "{}: it cannot be told whether the records of {} are lost, this state was written before"
              + " marks were kept: {}",
          what,
          marked.committable(),
          cause.toString());
      request.signalFailedWithKnownReason(cause);
      return;
    }
    Fates.Fate fate = fates.of(mark);
    if (fate == Fates.Fate.COMMITTED) {
      LOG.info(
          "{}: {} was committed before, {} is there; Kafka refused to commit it again: {}",
          what,
          marked.committable(),
          mark.text(),
          cause.toString());
      committedBefore.inc();
      request.signalAlreadyCommitted();
      return;
    }
    String loss = describe(marked.committable(), mark, fate, cause);
    lost.inc();
    if (accepted.covers(mark)) {
      LOG.error("{}: going on without records, as accepted: {}", what, loss);
      request.signalFailedWithKnownReason(cause);
    } else {
      losses.add(loss);
    }
  }

  private static String describe(Object committable, Mark mark, Fates.Fate fate, Throwable cause) {
    String verdict =
        fate == Fates.Fate.ABORTED
            ? "its records are lost, Kafka aborted it"
            : "it cannot be told whether its records are lost, the record of the mark is gone from the topic";
    return "%s in topic %s, partition %d, from offset %d, %s: %s (%s)"
        .formatted(
            mark.text(),
            mark.topic(),
            mark.partition(),
            mark.offset(),
            committable,
            verdict,
            cause);
  }

  private String message(List<String> losses) {
    return """
        Cannot commit %s:
          %s
        Kafka aborts a transaction that is open for longer than its timeout; a job that comes back later than that has lost what its last checkpoint had handed over.
        Either start the job from the checkpoint before, which reads the records again and may write those of other sinks twice; or let it go on without them by
        %s=<what stands first in each line above, with commas> in the environment of Flink's JobManager, and start the job again.
        So that it does not come again, raise %s, and the broker's transaction.max.timeout.ms where it is the lower one."""
        .formatted(
            what,
            String.join("\n  ", losses),
            AcceptedLosses.ENVIRONMENT_VARIABLE,
            TransactionTimeout.ENVIRONMENT_VARIABLE);
  }

  @Override
  public void close() throws Exception {
    committer.close();
  }

  /** The request as the connector's committer sees it; a known failure waits to be looked into. */
  private static final class Unmarked<C> implements CommitRequest<C> {
    private final CommitRequest<Marked<C>> marked;
    private @Nullable Throwable failure;

    Unmarked(CommitRequest<Marked<C>> marked) {
      this.marked = marked;
    }

    @Override
    public C getCommittable() {
      return marked.getCommittable().committable();
    }

    @Override
    public int getNumberOfRetries() {
      return marked.getNumberOfRetries();
    }

    @Override
    public void signalFailedWithKnownReason(Throwable cause) {
      failure = cause;
    }

    @Override
    public void signalFailedWithUnknownReason(Throwable cause) {
      marked.signalFailedWithUnknownReason(cause);
    }

    @Override
    public void retryLater() {
      marked.retryLater();
    }

    @Override
    public void updateAndRetryLater(C committable) {
      marked.updateAndRetryLater(new Marked<>(committable, marked.getCommittable().mark()));
    }

    @Override
    public void signalAlreadyCommitted() {
      marked.signalAlreadyCommitted();
    }
  }
}
