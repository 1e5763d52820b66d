package dev.millrace.cli.events;

import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.generic.GenericRecord;

/**
 * The first events of the files that play a source, as records of its schema, in the files' order.
 *
 * @param badRows rows that are no events; they are passed over
 * @param all whether the files have no more
 */
public record SampleRecords(List<GenericRecord> records, long badRows, boolean all) {

  private static final byte[] NOTHING = {};

  public SampleRecords {
    records = List.copyOf(records);
  }

  /**
   * Reads them; none where the source has no files.
   *
   * @param most how many events are wanted
   */
  public static SampleRecords read(Path folder, Project project, Source source, int most)
      throws IOException {
    String glob = source.samples();
    List<Path> files = glob == null ? List.of() : SampleFile.matching(folder, glob);
    List<GenericRecord> records = new ArrayList<>();
    EventForm form =
        new EventForm(
            project,
            source,
            record -> {
              records.add(record);
              return NOTHING;
            });
    long badRows = 0;
    for (Path file : files) {
      try (SampleReader reader = SampleReader.open(file)) {
        for (SampleRow row = reader.next(); row != null; row = reader.next()) {
          if (records.size() >= most) {
            return new SampleRecords(records, badRows, false);
          }
          try {
            PreparedEvent unusedEvent = form.event(row);
          } catch (UnfitValueException e) {
            badRows++;
          }
        }
      }
    }
    return new SampleRecords(records, badRows, true);
  }
}
