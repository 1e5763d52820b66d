package dev.millrace.cli.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MergedEventsTest {
  private final List<BadRow> badRows = new ArrayList<>();

  /** A file in memory. */
  private record Fake(String name, List<PreparedEvent> events, int broken) implements EventFile {
    @Override
    public long firstTimeMillis() {
      return events.isEmpty() ? Long.MAX_VALUE : events.get(0).eventTimeMillis();
    }

    @Override
    public Loaded load() {
      List<BadRow> bad = new ArrayList<>();
      for (int i = 0; i < broken; i++) {
        bad.add(new BadRow(Path.of(name), i + 1, "s", "broken"));
      }
      return new Loaded(events, bad);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private static PreparedEvent event(String id, long timeMillis) {
    return new PreparedEvent("s", "t", id, timeMillis, new byte[0]);
  }

  private static Fake file(String name, long... times) {
    List<PreparedEvent> events = new ArrayList<>();
    for (int i = 0; i < times.length; i++) {
      events.add(event(name + i, times[i]));
    }
    return new Fake(name, events, 0);
  }

  private List<PreparedEvent> played(List<Fake> files, TimeSpan span) throws IOException {
    List<PreparedEvent> played = new ArrayList<>();
    try (MergedEvents merged = new MergedEvents(files, 2, span, badRows::add)) {
      for (PreparedEvent e = merged.next(); e != null; e = merged.next()) {
        played.add(e);
      }
    }
    return played;
  }

  /** Two sources in weekly files; the second lags and spills over into the next weeks. */
  private static List<Fake> weeks(Random random, int weeks, int rows) {
    List<Fake> files = new ArrayList<>();
    for (String source : List.of("departures", "arrivals")) {
      for (int week = 0; week < weeks; week++) {
        List<PreparedEvent> events = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
          long lag = source.equals("arrivals") ? 20 + random.nextInt(400) : 0;
          long time = week * 1000L + row * 1000L / rows + lag;
          events.add(event(source + week + "-" + row, time));
        }
        files.add(new Fake(source + week, events, 0));
      }
    }
    return files;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void givesWhatSortingEverythingGives(long seed) throws IOException {
    Random random = new Random(seed);
    List<Fake> files = weeks(random, 1 + random.nextInt(9), 1 + random.nextInt(300));
    TimeSpan span = seed == 1 ? TimeSpan.ALL : new TimeSpan(random.nextInt(3000), 4000);

    List<PreparedEvent> sorted = new ArrayList<>();
    files.forEach(f -> sorted.addAll(f.events()));
    sorted.removeIf(e -> !span.holds(e.eventTimeMillis()));
    sorted.sort(Comparator.comparingLong(PreparedEvent::eventTimeMillis));

    assertThat(played(files, span)).isEqualTo(sorted);
  }

  @Test
  void sortsRowsWithinAFile() throws IOException {
    assertThat(played(List.of(file("a", 5, 1, 3), file("b", 2, 9)), TimeSpan.ALL))
        .extracting(PreparedEvent::eventId)
        .containsExactly("a1", "b0", "a2", "a0", "b1");
  }

  @Test
  void sameTimesKeepTheOrderOfFilesAndRows() throws IOException {
    assertThat(played(List.of(file("b", 1, 1), file("a", 1)), TimeSpan.ALL))
        .extracting(PreparedEvent::eventId)
        .containsExactly("b0", "b1", "a0");
  }

  @Test
  void failsRatherThanGoBackInTime() {
    List<Fake> files =
        List.of(
            file("a", 0, 50), file("b", 100), file("c", 200), file("d", 300), file("late", 400, 1));
    assertThatThrownBy(() -> played(files, TimeSpan.ALL))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("Cannot play late in the order of event time");
  }

  @Test
  void badRowsOfFilesOutsideTheSpanAreNotTold() throws IOException {
    List<Fake> files =
        List.of(
            new Fake("in", List.of(event("x", 10)), 2),
            new Fake("out", List.of(event("y", 99)), 3));
    assertThat(played(files, new TimeSpan(0, 50))).hasSize(1);
    assertThat(badRows).hasSize(2);
  }

  @Test
  void aFileOfNothingButBadRowsIsTold() throws IOException {
    assertThat(played(List.of(new Fake("bad", List.of(), 2)), TimeSpan.ALL)).isEmpty();
    assertThat(badRows).hasSize(2);
  }
}
