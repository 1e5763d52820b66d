package dev.millrace.core.feature;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.feature.ViewCost.Work;
import java.util.List;

/**
 * The work that events and refreshes of a view give, over every so many entities of a load: a timer
 * goes off at each multiple of {@code refresh} while an entity has events.
 */
final class WorkRun {

  private static final long REFRESHES_WANTED = 200_000;
  private static final int HEADERS_APART = 8;
  private static final double DAY_MILLIS = 86_400_000;

  private final EventLoad load;
  private final boolean tiled;
  private final EntityRows rows;
  private final long warmMillis;
  private final int stride;
  private final Tally events = new Tally();
  private final Tally refreshes = new Tally();
  private int played;

  /** Counts of what was done. */
  private static final class Tally {
    long times;
    long reads;
    long writes;
    long bytesWritten;

    /** Of some of the headers: to write one only to measure it takes longer than all the rest. */
    long headerBytes;

    long headers;

    Work mean(boolean tiled) {
      double all = Math.max(1, times);
      return times == 0
          ? new Work(0, 0, 0, 0)
          : new Work(
              1 + reads / all,
              tiled ? reads / all : 0,
              1 + writes / all,
              bytesWritten / all + (double) headerBytes / headers);
    }
  }

  /**
   * @param warmMillis from when on work counts
   */
  WorkRun(FeatureView view, EventLoad load, long warmMillis) {
    this.load = load;
    this.tiled = view.accuracy() == FeatureView.Accuracy.TILED;
    this.rows = new EntityRows(ViewPlan.of(view));
    this.warmMillis = warmMillis;
    long each = (load.toMillis() - warmMillis) / view.refresh().toMillis() + 1;
    this.stride = (int) Math.max(1, each * load.entities().size() / REFRESHES_WANTED);
  }

  void run() {
    List<EventLoad.OfEntity> entities = load.entities();
    for (int i = 0; i < entities.size(); i += stride) {
      run(entities.get(i));
      played++;
    }
  }

  Work event() {
    return events.mean(tiled);
  }

  Work refresh() {
    return refreshes.mean(tiled);
  }

  double refreshesPerKeyPerDay() {
    double days = (load.toMillis() - warmMillis) / DAY_MILLIS;
    return played == 0 || days <= 0 ? 0 : refreshes.times / days / played;
  }

  private void run(EventLoad.OfEntity entity) {
    CountingStore store = new CountingStore();
    EntityState state = rows.newState();
    long timerMillis = Long.MAX_VALUE;
    boolean warm = false;
    for (Arrival event : entity.events()) {
      if (!warm && event.timeMillis() >= warmMillis) {
        warm = true;
        timerMillis = rows.nextTimerMillis(state, warmMillis);
      }
      timerMillis = refresh(entity, state, store, timerMillis, event.timeMillis());
      CountingStore.Counts before = store.counts();
      boolean taken = rows.accept(state, entity.key(), event, event.timeMillis(), store) != null;
      if (warm && taken) {
        count(events, state, store, before);
      }
      if (warm && timerMillis == Long.MAX_VALUE) {
        timerMillis = rows.nextTimerMillis(state, event.timeMillis());
      }
    }
    if (!warm) {
      timerMillis = rows.nextTimerMillis(state, warmMillis);
    }
    long unusedTimer = refresh(entity, state, store, timerMillis, load.toMillis());
  }

  /** Lets every timer up to a time go off and gives the next. */
  private long refresh(
      EventLoad.OfEntity entity,
      EntityState state,
      CountingStore store,
      long timerMillis,
      long throughMillis) {
    long timer = timerMillis;
    while (timer <= throughMillis) {
      CountingStore.Counts before = store.counts();
      List<?> unusedRows = rows.advance(state, entity.key(), timer, timer, store);
      count(refreshes, state, store, before);
      timer = rows.nextTimerMillis(state, timer);
    }
    return timer;
  }

  private static void count(
      Tally tally, EntityState state, CountingStore store, CountingStore.Counts before) {
    CountingStore.Counts after = store.counts();
    tally.times++;
    tally.reads += after.reads() - before.reads();
    tally.writes += after.writes() - before.writes();
    tally.bytesWritten += after.bytesWritten() - before.bytesWritten();
    if (tally.times % HEADERS_APART == 1) {
      tally.headerBytes += CountingStore.size(state::write);
      tally.headers++;
    }
  }
}
