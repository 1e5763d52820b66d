package dev.millrace.cli.events;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** One of the files that play a source. */
final class SampleFile implements EventFile {

  private static final String SPECIAL = "*?[{";

  private final Path file;
  private final EventForm form;

  SampleFile(Path file, EventForm form) {
    this.file = file;
    this.form = form;
  }

  /** The files that a glob below the project's folder names, by name. */
  static List<Path> matching(Path folder, String glob) throws IOException {
    String plain = glob.startsWith("./") ? glob.substring(2) : glob;
    Path start = folder;
    int slash = 0;
    for (int next = plain.indexOf('/'); next >= 0; next = plain.indexOf('/', next + 1)) {
      String part = plain.substring(slash, next);
      if (part.chars().anyMatch(c -> SPECIAL.indexOf(c) >= 0)) {
        break;
      }
      start = start.resolve(part);
      slash = next + 1;
    }
    if (!Files.isDirectory(start)) {
      return List.of();
    }
    Path root = start;
    PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + plain.substring(slash));
    try (Stream<Path> all = Files.walk(root)) {
      return all.filter(Files::isRegularFile)
          .filter(f -> matcher.matches(root.relativize(f)))
          .sorted()
          .toList();
    }
  }

  @Override
  public long firstTimeMillis() throws IOException {
    try (SampleReader reader = SampleReader.open(file)) {
      for (SampleRow row = reader.next(); row != null; row = reader.next()) {
        try {
          return form.event(row).eventTimeMillis();
        } catch (UnfitValueException e) {
          // It is reported when the file is played; the next row may have a time.
        }
      }
      return Long.MAX_VALUE;
    }
  }

  @Override
  public Loaded load() throws IOException {
    List<PreparedEvent> events = new ArrayList<>();
    List<BadRow> badRows = new ArrayList<>();
    try (SampleReader reader = SampleReader.open(file)) {
      for (SampleRow row = reader.next(); row != null; row = reader.next()) {
        try {
          events.add(form.event(row));
        } catch (UnfitValueException e) {
          badRows.add(badRow(row, e));
        }
      }
    }
    return new Loaded(events, badRows);
  }

  BadRow badRow(SampleRow row, UnfitValueException e) {
    return new BadRow(file, row.line(), form.source().name(), String.valueOf(e.getMessage()));
  }

  @Override
  public String toString() {
    return file + " (source " + form.source().name() + ")";
  }
}
