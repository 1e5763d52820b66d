package dev.millrace.streaming.transactions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is made of each thing that the connector's committer says of a transaction. */
class LossCheckedCommitterTest {

  private final Map<Mark, Fates.Fate> fates = new HashMap<>();

  @Test
  void whatIsCommittedIsNotLookedUp() throws Exception {
    Request request = new Request("fine", mark(1));
    commit("", request);
    assertThat(request.said).isEmpty();
  }

  @Test
  void aTransactionThatWasCommittedBeforeIsHarmless() throws Exception {
    Request request = new Request("fenced", mark(1));
    fates.put(mark(1), Fates.Fate.COMMITTED);
    commit("", request);
    assertThat(request.said).containsExactly("already committed");
  }

  @Test
  void anAbortedOneFailsTheJobAfterTheOthersWereCommitted() {
    Request harmless = new Request("fenced", mark(1));
    Request lost = new Request("fenced", mark(2));
    Request untold = new Request("fenced", mark(3));
    fates.put(mark(1), Fates.Fate.COMMITTED);
    fates.put(mark(2), Fates.Fate.ABORTED);
    fates.put(mark(3), Fates.Fate.GONE);
    assertThatThrownBy(() -> commit("", lost, untold, harmless))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("Cannot commit transactions of P:\n  t-0@2 in topic t, partition 0")
        .hasMessageContaining("from offset 2, fenced: its records are lost, Kafka aborted it (")
        .hasMessageContaining("t-0@3 in topic t")
        .hasMessageContaining("the record of the mark is gone")
        .hasMessageContaining("java.lang.IllegalStateException: of fenced")
        .hasMessageContaining("MILLRACE_ACCEPT_LOST_TRANSACTIONS=")
        .hasMessageContaining("MILLRACE_TRANSACTION_TIMEOUT");
    assertThat(harmless.said).containsExactly("already committed");
    assertThat(lost.said).isEmpty();
  }

  @Test
  void anAcceptedLossGoesOnAndNoOther() throws Exception {
    Request accepted = new Request("fenced", mark(2));
    Request other = new Request("fenced", mark(22));
    fates.put(mark(2), Fates.Fate.ABORTED);
    fates.put(mark(22), Fates.Fate.ABORTED);
    commit("x-0@1, t-0@2", accepted);
    assertThat(accepted.said).containsExactly("failed, known");
    assertThatThrownBy(() -> commit("x-0@1,t-0@2", accepted, other))
        .hasMessageContaining("t-0@22 in topic t")
        .hasMessageNotContaining("t-0@2 in");
  }

  @Test
  void whatHasNoMarkIsPassedOnAsItWas() throws Exception {
    Request old = new Request("fenced", null);
    commit("", old);
    assertThat(old.said).containsExactly("failed, known");
  }

  @Test
  void whatCannotBeToldNowFailsTheJobAndIsAskedAgain() {
    Request request = new Request("fenced", mark(9));
    assertThatThrownBy(() -> commit("all", request))
        .isInstanceOf(IOException.class)
        .hasMessage("not now");
    assertThat(request.said).isEmpty();
  }

  @Test
  void allElsePassesThrough() throws Exception {
    Request later = new Request("later", mark(1));
    Request updated = new Request("update", mark(2));
    Request unknown = new Request("unknown", mark(3));
    commit("", later, updated, unknown);
    assertThat(later.said).containsExactly("later");
    assertThat(updated.said).containsExactly("updated t-0@2");
    assertThat(unknown.said).containsExactly("failed, unknown");
  }

  private static Mark mark(long offset) {
    return new Mark("t", 0, offset, 5);
  }

  private void commit(String accepted, Request... requests) throws Exception {
    try (LossCheckedCommitter<String> committer =
        new LossCheckedCommitter<>(
            new Obeying(),
            this::fate,
            AcceptedLosses.of(Map.of(AcceptedLosses.ENVIRONMENT_VARIABLE, accepted)),
            "transactions of P",
            new UnregisteredMetricsGroup())) {
      committer.commit(List.of(requests));
    }
  }

  private Fates.Fate fate(Mark mark) throws IOException {
    Fates.Fate fate = fates.get(mark);
    if (fate == null) {
      throw new IOException("not now");
    }
    return fate;
  }

  /** Does with each transaction what it is called. */
  private static final class Obeying implements Committer<String> {
    @Override
    public void commit(Collection<CommitRequest<String>> requests) {
      for (CommitRequest<String> request : requests) {
        String word = request.getCommittable();
        switch (word) {
          case "fenced" ->
              request.signalFailedWithKnownReason(new IllegalStateException("of " + word));
          case "unknown" ->
              request.signalFailedWithUnknownReason(new IllegalStateException("of " + word));
          case "later" -> request.retryLater();
          case "update" -> request.updateAndRetryLater("updated");
          default -> assertThat(request.getNumberOfRetries()).isZero();
        }
      }
    }

    @Override
    public void close() {}
  }

  private static final class Request implements Committer.CommitRequest<Marked<String>> {
    private final Marked<String> marked;
    private final List<String> said = new ArrayList<>();

    Request(String word, @Nullable Mark mark) {
      this.marked = new Marked<>(word, mark);
    }

    @Override
    public Marked<String> getCommittable() {
      return marked;
    }

    @Override
    public int getNumberOfRetries() {
      return 0;
    }

    @Override
    public void signalFailedWithKnownReason(Throwable cause) {
      said.add("failed, known");
    }

    @Override
    public void signalFailedWithUnknownReason(Throwable cause) {
      said.add("failed, unknown");
    }

    @Override
    public void retryLater() {
      said.add("later");
    }

    @Override
    public void updateAndRetryLater(Marked<String> changed) {
      Mark mark = changed.mark();
      said.add(changed.committable() + " " + (mark == null ? "" : mark.text()));
    }

    @Override
    public void signalAlreadyCommitted() {
      said.add("already committed");
    }
  }
}
