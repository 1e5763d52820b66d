package dev.millrace.pipeline.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.util.ChildFirstClassLoader;
import org.apache.iceberg.shaded.org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.iceberg.shaded.org.apache.parquet.io.LocalInputFile;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The file of a set, written as by several jobs of one cluster. */
class SetWriterTest {

  private static final int JOBS = 8;
  private static final int ROWS = 500;

  @TempDir private Path folder = Path.of("");

  @Test
  void theSameRowsAreTheSameBytesInEveryJob() throws Exception {
    Path first = folder.resolve("0.parquet");
    for (int job = 0; job < JOBS; job++) {
      Path out = folder.resolve(job + ".parquet");
      writeAsJob(out);
      assertThat(Files.mismatch(out, first)).as("job %d", job).isEqualTo(-1);
      assertThat(report(out)).hasSameTextualContentAs(report(first));
    }
    try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(first))) {
      assertThat(reader.getRecordCount()).isEqualTo(ROWS);
    }
  }

  private static Path report(Path out) {
    return out.resolveSibling(out.getFileName() + ".json");
  }

  /** With classes of its own, and so with enum constants whose identity is their own. */
  private static void writeAsJob(Path out) throws Exception {
    URL[] jar = {
      place(SetWriter.class), place(SetWriterTest.class), place(ParquetFileReader.class)
    };
    String[] ofTheCluster = {"java.", "org.apache.flink."};
    try (ChildFirstClassLoader job =
        new ChildFirstClassLoader(
            jar, SetWriterTest.class.getClassLoader(), ofTheCluster, unusedFault -> {})) {
      Class<?> writing = Class.forName(Writing.class.getName(), true, job);
      assertThat(writing).isNotSameAs(Writing.class);
      writing.getMethod("write", Path.class).invoke(null, out);
    }
  }

  private static URL place(Class<?> type) {
    return type.getProtectionDomain().getCodeSource().getLocation();
  }

  /** What one job does. */
  public static final class Writing {

    private static final String COLUMNS =
        """
        message training_set {
          required binary event_id (STRING);
          required int64 event_time (TIMESTAMP(MICROS,true));
          required double delay;
          optional binary origin (STRING);
          optional int64 count;
        }
        """;

    /** Writes a set of rows that are always the same. */
    public static void write(Path out) throws Exception {
      SetFile file =
          new SetFile(
              out.toString(), COLUMNS, 2, Map.of(0, Double.NaN), Map.of("millrace.project", "p"));
      Random random = new Random(11);
      try (OneInputStreamOperatorTestHarness<SetRow, Void> harness =
          new OneInputStreamOperatorTestHarness<>(new SetWriter(file))) {
        harness.open();
        for (int i = 0; i < ROWS; i++) {
          @Nullable Object[] values = {
            random.nextInt(40) / 4.0,
            random.nextInt(5) == 0 ? null : "airport " + random.nextInt(9),
            random.nextInt(5) == 0 ? null : random.nextLong()
          };
          long time = 1000L * (i / 2);
          SetRow row = new SetRow("e" + i, time, 0, i, Long.MAX_VALUE, new Object[0], values);
          harness.processElement(new StreamRecord<>(row, time));
        }
        harness.endInput();
      }
    }

    private Writing() {}
  }
}
