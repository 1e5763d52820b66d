package dev.millrace.cli.events;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The events of many files as one stream in the exact order of event time; events of the same time
 * in the order of the given files, then of the rows.
 *
 * <p>A file's rows may have any order, and files may overlap, as those of arrivals do that lag
 * behind their departures. Each file is sorted in memory when its turn comes, and the sorted files
 * are merged by a heap. Files take turns by the time of their first row; before an event is given
 * out, the next files, one for each source and at least {@value #AHEAD_LEAST}, are loaded, and none
 * of them may begin before it. So at most those that overlap, these, and one more are in memory,
 * and the order is exact or the stream fails; it is never silently wrong. Loading happens on a
 * thread of its own, ahead of time.
 */
final class MergedEvents implements EventStream {

  /** Files that are loaded before their turn, at least. */
  static final int AHEAD_LEAST = 2;

  private final int aheadCount;
  private final TimeSpan span;
  private final Consumer<BadRow> badRows;
  private final ExecutorService loader =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread thread = new Thread(task, "sample-loader");
            thread.setDaemon(true);
            return thread;
          });
  private final Deque<Turn> waiting = new ArrayDeque<>();
  private final Deque<Future<Sorted>> loading = new ArrayDeque<>();
  private final List<Sorted> ahead = new ArrayList<>();
  private final PriorityQueue<Sorted> active =
      new PriorityQueue<>(Comparator.comparingLong(Sorted::timeMillis).thenComparingInt(s -> s.at));
  private long lastMillis = Long.MIN_VALUE;

  MergedEvents(
      List<? extends EventFile> files, int sources, TimeSpan span, Consumer<BadRow> badRows)
      throws IOException {
    this.aheadCount = Math.max(AHEAD_LEAST, sources);
    this.span = span;
    this.badRows = badRows;
    List<Turn> turns = new ArrayList<>();
    for (int i = 0; i < files.size(); i++) {
      turns.add(new Turn(files.get(i), i, files.get(i).firstTimeMillis()));
    }
    turns.sort(Comparator.comparingLong(Turn::firstMillis).thenComparingInt(Turn::at));
    int beyond = 0;
    for (Turn turn : turns) {
      // A file whose first row lies beyond the span may still have earlier rows, so a few are kept.
      beyond += turn.firstMillis() >= span.toMillis() ? 1 : 0;
      if (beyond <= aheadCount) {
        waiting.add(turn);
      }
    }
    submit();
  }

  private record Turn(EventFile file, int at, long firstMillis) {}

  @Override
  public @Nullable PreparedEvent next() throws IOException {
    while (true) {
      fill();
      Sorted earliest =
          ahead.stream().min(Comparator.comparingLong(Sorted::timeMillis)).orElse(null);
      Sorted head = active.peek();
      if (earliest != null && (head == null || earliest.timeMillis() <= head.timeMillis())) {
        ahead.remove(earliest);
        activate(earliest);
        continue;
      }
      if (head == null) {
        return null;
      }
      active.remove();
      PreparedEvent event = head.take();
      if (head.hasNext()) {
        active.add(head);
      }
      lastMillis = event.eventTimeMillis();
      return event;
    }
  }

  private void activate(Sorted sorted) throws IOException {
    if (sorted.timeMillis() < lastMillis) {
      throw new IOException(
          "Cannot play "
              + sorted.file
              + " in the order of event time: it has an event of "
              + Instant.ofEpochMilli(sorted.timeMillis())
              + ", and events up to "
              + Instant.ofEpochMilli(lastMillis)
              + " of other files are out already; sort the file's rows by time, or put fewer"
              + " weeks into each file");
    }
    active.add(sorted);
  }

  private void fill() throws IOException {
    while (ahead.size() < aheadCount && !loading.isEmpty()) {
      Sorted sorted = joined(loading.remove());
      submit();
      if (sorted.hasNext()) {
        sorted.badRows.forEach(badRows);
        ahead.add(sorted);
      } else if (sorted.outside == 0) {
        sorted.badRows.forEach(badRows);
      }
    }
  }

  private void submit() {
    while (loading.size() <= aheadCount && !waiting.isEmpty()) {
      Turn turn = waiting.remove();
      loading.add(loader.submit(() -> sorted(turn)));
    }
  }

  private Sorted sorted(Turn turn) throws IOException {
    EventFile.Loaded loaded = turn.file().load();
    List<PreparedEvent> events = new ArrayList<>(loaded.events().size());
    for (PreparedEvent event : loaded.events()) {
      if (span.holds(event.eventTimeMillis())) {
        events.add(event);
      }
    }
    int outside = loaded.events().size() - events.size();
    events.sort(Comparator.comparingLong(PreparedEvent::eventTimeMillis));
    return new Sorted(turn.file(), turn.at(), events, outside, loaded.badRows());
  }

  private static Sorted joined(Future<Sorted> future) throws IOException {
    try {
      return future.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Cannot load the next file: interrupted", e);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof RuntimeException unchecked) {
        throw unchecked;
      }
      throw new IOException(cause == null ? "no cause" : cause.getMessage(), cause);
    }
  }

  @Override
  public void close() {
    loader.shutdownNow();
  }

  /** A loaded file's events that are still to come. */
  private static final class Sorted {
    final EventFile file;
    final int at;
    final List<PreparedEvent> events;
    final int outside;
    final List<BadRow> badRows;
    private int next;

    Sorted(EventFile file, int at, List<PreparedEvent> events, int outside, List<BadRow> badRows) {
      this.file = file;
      this.at = at;
      this.events = events;
      this.outside = outside;
      this.badRows = badRows;
    }

    boolean hasNext() {
      return next < events.size();
    }

    long timeMillis() {
      return events.get(next).eventTimeMillis();
    }

    PreparedEvent take() {
      return events.get(next++);
    }
  }
}
