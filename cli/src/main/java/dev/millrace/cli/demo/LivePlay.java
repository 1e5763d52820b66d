package dev.millrace.cli.demo;

import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.demo.PredictionWatch.Seen;
import dev.millrace.cli.events.EventReplay;
import dev.millrace.cli.events.Pace;
import dev.millrace.cli.events.ReplaySummary;
import dev.millrace.cli.events.TimeSpan;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.Target;
import dev.millrace.schemas.SubjectRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Plays on by the clock and measures open loop: events are due whether or not earlier ones have
 * their predictions.
 */
final class LivePlay implements AutoCloseable {

  /** An hour a minute: the fastest at which the freshness of online features is defined. */
  static final double SPEED = 60;

  private static final double NANOS_PER_MILLI = 1e6;
  private static final String DEPARTURES = "departures";

  private final EventReplay replay;
  private final ExecutorService player =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread thread = new Thread(task, "live-play");
            thread.setDaemon(true);
            return thread;
          });
  private final Future<ReplaySummary> playing;
  private final Map<String, Long> dueNanos = new HashMap<>();
  private long sentLateMaxNanos;
  private long departures;
  private boolean recording = true;

  /** Starts playing a span of event time, so many times as fast as real time. */
  LivePlay(
      Target target,
      SubjectRegistry registry,
      Project project,
      Path folder,
      TimeSpan span,
      double speed)
      throws IOException, InterruptedException {
    this.replay = EventReplay.open(target, registry, project, EventReplay.playable(project));
    EventReplay.Selection selection = new EventReplay.Selection(span, Long.MAX_VALUE);
    this.playing =
        player.submit(
            () ->
                replay.playAll(
                    folder, selection, Pace.bySpeed(speed), this::sent, HistoryLoad.REFUSE));
  }

  private synchronized void sent(
      String source, String eventId, long eventTimeMillis, long eventDueNanos) {
    if (!source.equals(DEPARTURES)) {
      return;
    }
    departures++;
    if (recording) {
      dueNanos.put(eventId, eventDueNanos);
      sentLateMaxNanos = Math.max(sentLateMaxNanos, System.nanoTime() - eventDueNanos);
    }
  }

  /** How many departures were sent until now. */
  synchronized long departures() {
    return departures;
  }

  long events() {
    return replay.progress().events();
  }

  /** The largest event time sent; null before the first event. */
  @Nullable Long eventTimeMillis() {
    return replay.progress().eventTimeMillis();
  }

  /** Fails where the playing has. */
  void refuseFailure() throws IOException {
    if (playing.isDone()) {
      summary();
    }
  }

  /** Whether all of the span was played. */
  boolean hasEnded() {
    return playing.isDone();
  }

  /** No more departures are measured from now on. */
  synchronized void endMeasuring() {
    recording = false;
  }

  /** Measured departures that no prediction was seen of. */
  synchronized List<String> withoutPrediction(Map<String, Seen> seen) {
    List<String> missing = new ArrayList<>();
    for (String event : dueNanos.keySet()) {
      if (!seen.containsKey(event)) {
        missing.add(event);
      }
    }
    return missing;
  }

  /** The figures of all measured departures; each of them has a prediction. */
  synchronized LiveFigures figures(Map<String, Seen> seen) {
    return LiveFigures.of(dueNanos, seen, sentLateMaxNanos / NANOS_PER_MILLI);
  }

  /** Stops playing and gives what was played. */
  ReplaySummary stop() throws IOException {
    replay.stop();
    return summary();
  }

  /** What was played, when all of it was. */
  ReplaySummary summary() throws IOException {
    try {
      return playing.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Cannot play on: interrupted", e);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new CommandFailed("Cannot play on: " + cause.getMessage(), cause);
    }
  }

  /** Waits for the end of the playing; false where there is none yet. */
  boolean hasEnded(Duration patience) {
    try {
      ReplaySummary unused = playing.get(patience.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    } catch (ExecutionException e) {
      return true;
    }
  }

  @Override
  public void close() {
    replay.stop();
    player.shutdown();
    replay.close();
  }
}
