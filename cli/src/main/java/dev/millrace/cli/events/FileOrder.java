package dev.millrace.cli.events;

import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The events of one file in the file's order, held in memory one at a time. */
final class FileOrder implements EventStream {

  private final SampleFile file;
  private final EventForm form;
  private final SampleReader reader;
  private final TimeSpan span;
  private final Consumer<BadRow> badRows;

  FileOrder(Path path, EventForm form, TimeSpan span, Consumer<BadRow> badRows) throws IOException {
    this.file = new SampleFile(path, form);
    this.form = form;
    this.reader = SampleReader.open(path);
    this.span = span;
    this.badRows = badRows;
  }

  @Override
  public @Nullable PreparedEvent next() throws IOException {
    for (SampleRow row = reader.next(); row != null; row = reader.next()) {
      try {
        PreparedEvent event = form.event(row);
        if (span.holds(event.eventTimeMillis())) {
          return event;
        }
      } catch (UnfitValueException e) {
        badRows.accept(file.badRow(row, e));
      }
    }
    return null;
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}
