package dev.millrace.inference;

import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * How far one task has taken events, and what it holds until a deployment that is being prepared
 * takes effect: it has announced READY with the largest event time that it had taken, and holds
 * every event beyond.
 */
final class DeploymentBarrier {

  private final ScoringPlan plan;
  private final Serving serving;
  private final DeploymentAnnouncements announcements;
  private final LongSupplier nowMillis;
  private final HeldEvents held = new HeldEvents();

  /** The largest event time that was taken, whether scored, parked or in the batch. */
  private long largestMillis;

  /**
   * Nothing is held.
   *
   * @param largestMillis that was taken before
   */
  DeploymentBarrier(
      ScoringPlan plan,
      Serving serving,
      DeploymentAnnouncements announcements,
      LongSupplier nowMillis,
      long largestMillis) {
    this.plan = plan;
    this.serving = serving;
    this.announcements = announcements;
    this.nowMillis = nowMillis;
    this.largestMillis = largestMillis;
    if (serving.preparing() != null && largestMillis != Long.MIN_VALUE) {
      // Whoever died may have announced READY; then T may come to lie 1 ms beyond what it had
      // taken.
      held.holdBeyond(largestMillis);
    }
  }

  /** Whether the event is to wait; then it does. */
  boolean holds(Joined joined, long eventTimeMillis) {
    if (!held.isBeyond(eventTimeMillis)) {
      return false;
    }
    if (!held.add(joined)) {
      Deployment preparing = serving.preparing();
      throw new IllegalStateException(
          "Cannot hold more than "
              + HeldEvents.MAX
              + " events of model "
              + plan.model()
              + " until deployment "
              + (preparing == null ? "none" : preparing.deploymentId())
              + " takes effect; see whether the registry runs (./millrace status), the events"
              + " are read again");
    }
    return true;
  }

  /** An event of this time is not held. */
  void taken(long eventTimeMillis) {
    largestMillis = Math.max(largestMillis, eventTimeMillis);
  }

  long largestMillis() {
    return largestMillis;
  }

  /**
   * Tells the registry how a preparation ended, where one has.
   *
   * @param scoreNow has all events scored that were taken
   */
  void tell(Serving.@Nullable Prepared prepared, Runnable scoreNow) {
    Deployment preparing = serving.preparing();
    if (prepared == null || preparing == null) {
      return;
    }
    if (prepared.refused() == null) {
      scoreNow.run();
      held.holdBeyond(largestMillis);
      announce(preparing, LifecycleEntry.Command.READY, "loaded");
    } else {
      announce(preparing, LifecycleEntry.Command.UNLOADABLE, prepared.refused());
    }
  }

  /** The registry revokes nothing that serves; whoever reads its journal finds the reason there. */
  void leftOut(Deployment deployment, String reason) {
    announce(deployment, LifecycleEntry.Command.UNLOADABLE, reason);
  }

  private void announce(Deployment deployment, LifecycleEntry.Command command, String reason) {
    announcements.announce(deployment, command, reason, largestMillis, nowMillis.getAsLong());
  }

  /** Whether there is a barrier. */
  boolean stands() {
    return held.holds();
  }

  /** Takes the barrier away and gives what it kept apart. */
  List<Joined> release() {
    return held.release();
  }

  /** What time may come to: no further than what is held. */
  long boundMillis() {
    return held.boundMillis();
  }

  int size() {
    return held.size();
  }

  /** All that is held, for a snapshot. */
  List<Joined> events() {
    return held.events();
  }
}
