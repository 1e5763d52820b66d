package dev.millrace.pipeline.training;

import dev.millrace.core.row.Positions;
import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import dev.millrace.streaming.Values;
import java.io.IOException;
import java.util.Comparator;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * A row of a view's log, with the features that are asked for.
 *
 * @param epoch of the definition that wrote it
 */
public record LogRow(
    String entityKey,
    long timeMillis,
    long epoch,
    Positions positions,
    long knownAtMillis,
    @Nullable Object[] values) {

  public static final TypeInformation<LogRow> TYPE =
      new RecordType<>(LogRow.class, Serializer.INSTANCE);

  /**
   * The order in which an entity's rows were written, which the files do not keep: neither T nor
   * epoch nor any position ever falls.
   */
  public static final Comparator<LogRow> WRITTEN =
      Comparator.comparingLong(LogRow::timeMillis)
          .thenComparingLong(LogRow::epoch)
          .thenComparingLong(LogRow::sumOfPositions)
          .thenComparingLong(LogRow::knownAtMillis);

  private long sumOfPositions() {
    long sum = 0;
    for (int i = 0; i < positions.size(); i++) {
      // Offset 0 is more than no record at all.
      sum += positions.offset(i) + 1;
    }
    return sum;
  }

  /** Writes rows. */
  static final class Serializer extends RecordSerializer<LogRow> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public LogRow createInstance() {
      return new LogRow("", 0, 0, Positions.NONE, 0, new Object[0]);
    }

    @Override
    protected void write(LogRow row, DataOutputView out) throws IOException {
      Values.writeText(row.entityKey, out);
      out.writeLong(row.timeMillis);
      out.writeLong(row.epoch);
      Values.writeText(row.positions.toString(), out);
      out.writeLong(row.knownAtMillis);
      Values.writeAll(row.values, out);
    }

    @Override
    public LogRow deserialize(DataInputView in) throws IOException {
      return new LogRow(
          Values.readText(in),
          in.readLong(),
          in.readLong(),
          Positions.parse(Values.readText(in)),
          in.readLong(),
          Values.readAll(in));
    }

    @Override
    public TypeSerializerSnapshot<LogRow> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<LogRow> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
