package dev.millrace.cli.demo;

import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.fraud.FraudPlayer;
import dev.millrace.cli.fraud.FraudWorld;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Plays the world as fast as the loop follows, and no faster: event time never gets more than a
 * span ahead of what is scored and, once a model serves, of what is measured against labels. While
 * a model is trained or loaded it stands still, for a minute of this machine is no week of that
 * world.
 */
final class FraudReplay {

  private static final long SLICE_MILLIS = Duration.ofHours(1).toMillis();
  private static final Duration PATIENCE = Duration.ofMinutes(4);
  private static final long PAUSE_MILLIS = 10;
  private static final long TELL_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final double NANOS_PER_SECOND = 1e9;

  private final FraudPlayer player;
  private final FraudTruth truth;
  private final PredictionLedger ledger;
  private final LoopState state;
  private final LoopWatch watch;
  private final Narration narration;
  private final long maturityMillis;
  private long cursorMillis = FraudWorld.START.toEpochMilli();
  private long aheadMillis;
  private @Nullable Long measuredFromMillis;
  private long toldNanos = System.nanoTime();
  private long toldEvents;
  private long heldNanos;

  /**
   * A replay.
   *
   * @param ahead how far event time may be beyond what has come of it
   * @param maturity from an event to its being measured: the wait for labels, and a window
   */
  FraudReplay(
      FraudPlayer player,
      FraudTruth truth,
      PredictionLedger ledger,
      LoopState state,
      LoopWatch watch,
      Narration narration,
      Duration ahead,
      Duration maturity) {
    this.player = player;
    this.truth = truth;
    this.ledger = ledger;
    this.state = state;
    this.watch = watch;
    this.narration = narration;
    this.aheadMillis = ahead.toMillis();
    this.maturityMillis = maturity.toMillis();
  }

  /**
   * From now on a model serves, and what it does is measured.
   *
   * @param ahead how far event time may be beyond what has come of it
   */
  void measuredFrom(long millis, Duration ahead) {
    measuredFromMillis = millis;
    aheadMillis = ahead.toMillis();
  }

  /** Something that ends the playing before its time. */
  interface Until {
    boolean holds();
  }

  /**
   * Plays on to a time, or until something holds.
   *
   * @return whether it played all of it
   */
  boolean play(long untilMillis, Until until) throws InterruptedException {
    long movedNanos = System.nanoTime();
    while (cursorMillis < untilMillis && !player.hasEnded()) {
      watch.refuseFailure();
      if (until.holds()) {
        return false;
      }
      long nextMillis = Math.min(untilMillis, cursorMillis + SLICE_MILLIS);
      String hold = holdFor(nextMillis);
      if (hold == null) {
        player.playUntil(nextMillis);
        cursorMillis = nextMillis;
        movedNanos = System.nanoTime();
        tell(null);
        continue;
      }
      tell(hold);
      long waitedNanos = System.nanoTime() - movedNanos;
      if (waitedNanos > PATIENCE.toNanos()) {
        throw new CommandFailed(
            "event time has stood at "
                + LoopStory.utc(cursorMillis)
                + " for "
                + PATIENCE.toSeconds()
                + " s, waiting for "
                + hold);
      }
      TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
      heldNanos += TimeUnit.MILLISECONDS.toNanos(PAUSE_MILLIS);
    }
    return true;
  }

  /** What the next slice has to wait for; null for nothing. */
  private @Nullable String holdFor(long nextMillis) {
    long scoredMillis = scoredMillis();
    if (nextMillis > scoredMillis + aheadMillis) {
      return DemoSummary.format(
          "predictions, which are at %s (%,d outstanding)",
          LoopStory.utc(scoredMillis), player.transactionsSent() - ledger.seen());
    }
    Long fromMillis = measuredFromMillis;
    if (fromMillis != null) {
      long measuredMillis = Math.max(fromMillis, state.measuredMillis());
      if (nextMillis > measuredMillis + maturityMillis + aheadMillis) {
        return "performance, which is measured up to " + LoopStory.utc(measuredMillis);
      }
    }
    return state.hold();
  }

  /** All transactions before this time have their prediction. */
  long scoredMillis() {
    int frontier = ledger.frontier();
    return frontier >= player.transactionsSent() ? cursorMillis : truth.timeMillis(frontier);
  }

  private void tell(@Nullable String hold) {
    long nowNanos = System.nanoTime();
    long sinceNanos = nowNanos - toldNanos;
    if (sinceNanos < TELL_NANOS) {
      return;
    }
    long events = events();
    narration.detail(
        DemoSummary.format(
            "day %d, event time %s: %,d events, %,.0f/s%s",
            (cursorMillis - FraudWorld.START.toEpochMilli()) / Duration.ofDays(1).toMillis() + 1,
            LoopStory.utc(cursorMillis),
            events,
            (events - toldEvents) / (sinceNanos / NANOS_PER_SECOND),
            hold == null ? "" : "; waits for " + hold));
    toldNanos = nowNanos;
    toldEvents = events;
  }

  long events() {
    return (long) player.transactionsSent() + player.reportsSent();
  }

  /** Event time of the playing. */
  long cursorMillis() {
    return cursorMillis;
  }

  /** How long event time stood still. */
  double heldSeconds() {
    return heldNanos / NANOS_PER_SECOND;
  }
}
