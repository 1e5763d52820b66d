package dev.millrace.inference;

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

/**
 * A row of a view's table.
 *
 * @param epoch of the definition that wrote it
 */
record LoggedRow(String entityKey, long epoch, long knownAtMillis, ViewRow row) {

  static final TypeInformation<LoggedRow> TYPE =
      new RecordType<>(LoggedRow.class, Serializer.INSTANCE);

  /**
   * The order in which an entity's rows were written, which the files do not keep: neither T nor
   * epoch nor any position ever falls.
   */
  static final Comparator<LoggedRow> WRITTEN =
      Comparator.<LoggedRow>comparingLong(r -> r.row.timeMillis())
          .thenComparingLong(LoggedRow::epoch)
          .thenComparingLong(LoggedRow::sumOfPositions)
          .thenComparingLong(LoggedRow::knownAtMillis);

  private long sumOfPositions() {
    Positions positions = row.positions();
    long sum = 0;
    for (int i = 0; i < positions.size(); i++) {
      // Offset 0 is more than no record at all.
      sum += positions.offset(i) + 1;
    }
    return sum;
  }

  /** Writes rows between the table and the join. */
  static final class Serializer extends RecordSerializer<LoggedRow> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public LoggedRow createInstance() {
      return new LoggedRow("", 0, 0, EntityRow.RowSerializer.INSTANCE.createInstance());
    }

    @Override
    protected void write(LoggedRow logged, DataOutputView out) throws IOException {
      Values.writeText(logged.entityKey, out);
      out.writeLong(logged.epoch);
      out.writeLong(logged.knownAtMillis);
      Joined.Serializer.writeRow(logged.row, out);
    }

    @Override
    public LoggedRow deserialize(DataInputView in) throws IOException {
      return new LoggedRow(
          Values.readText(in), in.readLong(), in.readLong(), Joined.Serializer.readRow(in));
    }

    @Override
    public TypeSerializerSnapshot<LoggedRow> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<LoggedRow> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
