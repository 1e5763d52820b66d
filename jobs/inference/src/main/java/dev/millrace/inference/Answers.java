package dev.millrace.inference;

import dev.millrace.streaming.DeadLetter;
import java.util.IdentityHashMap;
import java.util.concurrent.CompletableFuture;

/** Gives what comes of a batch to the clients that wait for it. For one thread. */
final class Answers implements BatchScoring.Out {

  private final IdentityHashMap<PendingEvent, CompletableFuture<Ask.Scored>> expected =
      new IdentityHashMap<>();

  void expect(PendingEvent event, CompletableFuture<Ask.Scored> answer) {
    expected.put(event, answer);
  }

  @Override
  public void served(PendingEvent event, Prediction prediction) {
    complete(event, new Ask.Scored(prediction, null));
  }

  @Override
  public void shadow(PendingEvent event, Prediction prediction) {
    // It is the stream's to compare versions; the client asked for the one that serves.
  }

  @Override
  public void refused(PendingEvent event, DeadLetter letter) {
    complete(event, new Ask.Scored(null, letter));
  }

  private void complete(PendingEvent event, Ask.Scored scored) {
    CompletableFuture<Ask.Scored> answer = expected.remove(event);
    if (answer != null) {
      answer.complete(scored);
    }
  }

  void clear() {
    expected.clear();
  }
}
