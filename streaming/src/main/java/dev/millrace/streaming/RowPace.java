package dev.millrace.streaming;

import org.apache.flink.connector.base.sink.writer.strategy.RateLimitingStrategy;
import org.apache.flink.connector.base.sink.writer.strategy.RequestInfo;
import org.apache.flink.connector.base.sink.writer.strategy.ResultInfo;

/**
 * When the row sink sends: as soon as one row waits and a request is free, so that batches form by
 * themselves while others are under way, and nothing lingers while Redis is idle. Not while Redis
 * is left alone after a failure, and not while a checkpoint is about to take what waits.
 */
final class RowPace implements RateLimitingStrategy {

  /**
   * One is written while the next stands behind it, so that the sender never waits for the task.
   */
  private static final int MOST_UNDER_WAY = 2;

  private static final int ROWS_THAT_SUFFICE = 1;

  private Listener listener = left -> {};
  private int underWay;
  private boolean paused;
  private boolean held;

  /** Learns how requests end, on the task's thread. */
  interface Listener {
    /**
     * @param left how many rows of it were not taken
     */
    void ended(int left);
  }

  void tell(Listener told) {
    listener = told;
  }

  int underWay() {
    return underWay;
  }

  void pause(boolean pause) {
    paused = pause;
  }

  boolean paused() {
    return paused;
  }

  void hold(boolean hold) {
    held = hold;
  }

  @Override
  public boolean shouldBlock(RequestInfo unusedInfo) {
    return paused || held || underWay >= MOST_UNDER_WAY;
  }

  @Override
  public void registerInFlightRequest(RequestInfo unusedInfo) {
    underWay++;
  }

  @Override
  public void registerCompletedRequest(ResultInfo result) {
    underWay--;
    listener.ended(result.getFailedMessages());
  }

  @Override
  public int getMaxBatchSize() {
    return ROWS_THAT_SUFFICE;
  }
}
