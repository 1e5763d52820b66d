package dev.millrace.streaming;

import dev.millrace.core.row.FeatureRow;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A store whose every answer a test gives by hand. */
final class HandFedStore implements RowStore {

  private static final long PATIENCE_SECONDS = 30;

  private final BlockingQueue<List<FeatureRow>> tried = new LinkedBlockingQueue<>();
  private final BlockingQueue<Answer> answers = new LinkedBlockingQueue<>();

  /** What a try is answered with. */
  private interface Answer {
    Attempt to(List<FeatureRow> rows) throws IOException;
  }

  @Override
  public Attempt write(List<FeatureRow> rows) throws IOException {
    tried.add(rows);
    try {
      return answers.take().to(rows);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** The rows of the next try, which waits for its answer. */
  List<FeatureRow> nextTry() throws InterruptedException {
    List<FeatureRow> rows = tried.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
    if (rows == null) {
      throw new AssertionError("the sink did not send for " + PATIENCE_SECONDS + " s");
    }
    return rows;
  }

  boolean isIdle() {
    return tried.isEmpty();
  }

  void takeAll() {
    answers.add(rows -> Attempt.WHOLE);
  }

  void takeNone(String reason) {
    answers.add(rows -> new Attempt(rows, reason));
  }

  /** And something happens meanwhile. */
  void takeNone(String reason, Runnable meanwhile) {
    answers.add(
        rows -> {
          meanwhile.run();
          return new Attempt(rows, reason);
        });
  }

  void takeFirst(int taken, String reason) {
    answers.add(rows -> new Attempt(rows.subList(taken, rows.size()), reason));
  }

  void refuseForGood(String reason) {
    answers.add(
        rows -> {
          throw new IOException(reason);
        });
  }

  @Override
  public void close() {}
}
