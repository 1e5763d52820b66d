package dev.millrace.cli.demo;

import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.demo.TableTotals.Total;
import dev.millrace.cli.events.BadRow;
import dev.millrace.cli.events.EventReplay;
import dev.millrace.cli.events.Pace;
import dev.millrace.cli.events.ReplaySummary;
import dev.millrace.cli.events.TimeSpan;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Topics;
import dev.millrace.platform.Warehouse;
import dev.millrace.schemas.SubjectRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/** Plays history into the stack and waits until both jobs have taken all of it. */
final class HistoryLoad {

  /**
   * Event time passes so many times as fast as real time: two weeks in two minutes, 3,800 events a
   * second. Two cores that also run the broker and both jobs keep in step with it; where they do
   * not, {@link #UNSEEN_EVENTS_MAX} holds the sender back.
   */
  private static final double SPEED = 10_000;

  /**
   * So many events may be sent and not yet archived. A job that is far behind reads its partitions
   * one after the other, whose event times then run apart. Archives grow with each checkpoint, so
   * less than two checkpoints' worth would hold back a pipeline that keeps in step.
   */
  private static final long UNSEEN_EVENTS_MAX = 60_000;

  /** The same for departures without a prediction, which come at once. */
  private static final long UNSCORED_EVENTS_MAX = 15_000;

  /** The sample files are ours: each of their rows is an event. */
  static final Consumer<BadRow> REFUSE =
      row -> {
        throw new CommandFailed("the sample files have a row that is no event: " + row);
      };

  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final Duration PAUSE = Duration.ofMillis(500);
  private static final long TELL_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long TOTALS_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final int LOOK_EVERY_EVENTS = 500;
  private static final String DEPARTURES = "departures";
  private static final String ARRIVALS = "arrivals";

  private final Target target;
  private final SubjectRegistry registry;
  private final Project project;
  private final Narration narration;
  private final PredictionWatch predictions;

  HistoryLoad(
      Target target,
      SubjectRegistry registry,
      Project project,
      Narration narration,
      PredictionWatch predictions) {
    this.target = target;
    this.registry = registry;
    this.project = project;
    this.narration = narration;
    this.predictions = predictions;
  }

  /** Plays the sample files of a span of event time. */
  ReplaySummary play(Path folder, Instant from, Instant until) throws Exception {
    EventReplay.Selection selection =
        new EventReplay.Selection(
            new TimeSpan(from.toEpochMilli(), until.toEpochMilli()), Long.MAX_VALUE);
    try (TableTotals totals = new TableTotals(target);
        EventReplay replay =
            EventReplay.open(target, registry, project, EventReplay.playable(project))) {
      Brake brake = new Brake(totals, replay);
      ReplaySummary summary = replay.playAll(folder, selection, Pace.bySpeed(SPEED), brake, REFUSE);
      narration.detail(
          DemoSummary.format(
              "sent %,d events in %.1f s, %,.0f/s %s; held back for %.1f s",
              summary.events(),
              summary.seconds(),
              summary.eventsPerSecond(),
              DemoSummary.counts(new TreeMap<>(summary.bySource())),
              brake.heldSeconds()));
      return summary;
    }
  }

  /** Waits until all that was sent is archived, in features, and scored. */
  Settled settle(ReplaySummary sent) throws Exception {
    AtomicLong letters = new AtomicLong();
    Map<String, Long> rows = new LinkedHashMap<>();
    long departures = sent.bySource().getOrDefault(DEPARTURES, 0L);
    long arrivals = sent.bySource().getOrDefault(ARRIVALS, 0L);
    try (TableTotals totals = new TableTotals(target)) {
      AtomicLong archived = new AtomicLong();
      new Waiting(narration)
          .until(
              "both jobs to take everything",
              PATIENCE,
              PAUSE,
              () -> {
                Total left = totals.of(Warehouse.events(project.name(), DEPARTURES));
                Total landed = totals.of(Warehouse.events(project.name(), ARRIVALS));
                archived.set(left.rows() + landed.rows());
                boolean allScored = predictions.events() >= departures;
                if (archived.get() < departures + arrivals) {
                  // What is missing from the archive may be a dead letter.
                  letters.set(deadLetters());
                }
                return allScored
                    && archived.get() + letters.get() >= departures + arrivals
                    && featuresInclude(totals, landed, arrivals - letters.get(), rows);
              },
              () ->
                  DemoSummary.format(
                      "archived %,d of %,d events, dead letters %,d, feature rows %,d, predictions"
                          + " for %,d of %,d departures",
                      archived.get(),
                      departures + arrivals,
                      letters.get(),
                      rows.values().stream().mapToLong(Long::longValue).sum(),
                      predictions.events(),
                      departures));
    }
    return new Settled(rows, deadLetters());
  }

  /**
   * What the jobs made of it.
   *
   * @param featureRows in the offline store, by view
   */
  record Settled(Map<String, Long> featureRows, long deadLetters) {
    Settled {
      featureRows = new LinkedHashMap<>(featureRows);
    }
  }

  /** A checkpoint that has the last arrivals has their rows, in a commit of each table. */
  private boolean featuresInclude(
      TableTotals totals, Total arrivals, long rowsMin, Map<String, Long> rows) {
    boolean all = true;
    for (FeatureView view : project.featureViews()) {
      Total total = totals.of(Warehouse.features(project.name(), view.name()));
      rows.put(view.name(), total.rows());
      all &= total.rows() >= rowsMin && total.checkpoint() >= arrivals.checkpoint();
    }
    return all;
  }

  /** Rows in the offline store now, by view. */
  Map<String, Long> featureRows() {
    Map<String, Long> rows = new LinkedHashMap<>();
    try (TableTotals totals = new TableTotals(target)) {
      for (FeatureView view : project.featureViews()) {
        rows.put(view.name(), totals.of(Warehouse.features(project.name(), view.name())).rows());
      }
    }
    return rows;
  }

  long deadLetters() {
    AtomicLong letters = new AtomicLong();
    TopicLog.read(target, Topics.deadLetters(project.name()), record -> letters.incrementAndGet());
    return letters.get();
  }

  /** Tells how far the load is, and stops the sender where the jobs do not keep in step. */
  private final class Brake implements EventReplay.Listener {

    private final TableTotals totals;
    private final EventReplay replay;
    private long sent;
    private long departures;
    private long archived;
    private long heldNanos;
    private long toldNanos = System.nanoTime();
    private long totalsNanos;

    Brake(TableTotals totals, EventReplay replay) {
      this.totals = totals;
      this.replay = replay;
    }

    @Override
    public void sent(String source, String eventId, long eventTimeMillis, long dueNanos) {
      sent++;
      departures += source.equals(DEPARTURES) ? 1 : 0;
      if (sent % LOOK_EVERY_EVENTS != 0) {
        return;
      }
      tell(eventTimeMillis);
      long startNanos = System.nanoTime();
      long deadlineNanos = startNanos + PATIENCE.toNanos();
      while (isFarAhead()) {
        tell(eventTimeMillis);
        if (System.nanoTime() - deadlineNanos > 0) {
          throw new CommandFailed(
              DemoSummary.format(
                  "the jobs do not keep in step: of %,d events %,d are archived, of %,d departures"
                      + " %,d have a prediction",
                  sent, archived, departures, predictions.events()));
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
      }
      heldNanos += System.nanoTime() - startNanos;
    }

    private boolean isFarAhead() {
      if (departures - predictions.events() > UNSCORED_EVENTS_MAX) {
        return true;
      }
      if (sent - archived > UNSEEN_EVENTS_MAX / 2
          && System.nanoTime() - totalsNanos > TOTALS_NANOS) {
        archived = 0;
        for (Source source : EventReplay.playable(project)) {
          archived += totals.of(Warehouse.events(project.name(), source.name())).rows();
        }
        totalsNanos = System.nanoTime();
      }
      return sent - archived > UNSEEN_EVENTS_MAX;
    }

    private void tell(long eventTimeMillis) {
      long nowNanos = System.nanoTime();
      if (nowNanos - toldNanos > TELL_NANOS) {
        toldNanos = nowNanos;
        narration.detail(
            DemoSummary.format(
                "%,d events sent, event time %s, %,d without a prediction yet, %.1f s behind the"
                    + " pace",
                sent,
                Instant.ofEpochMilli(eventTimeMillis),
                departures - predictions.events(),
                replay.progress().behindNanos() / 1e9));
      }
    }

    double heldSeconds() {
      return heldNanos / 1e9;
    }
  }
}
