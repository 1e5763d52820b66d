package dev.millrace.streaming.transactions;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.connector.sink2.CommittingSinkWriter;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.jspecify.annotations.Nullable;

/** The connector's writer, whose transactions leave it with their marks. */
final class MarkingWriter<T, S, C>
    implements StatefulSinkWriter<T, S>, CommittingSinkWriter<T, Marked<C>> {

  private final StatefulSinkWriter<T, S> writer;
  private final CommittingSinkWriter<T, C> committing;
  private final FirstRecord first;

  /** Both ways of seeing the one writer. */
  MarkingWriter(
      StatefulSinkWriter<T, S> writer, CommittingSinkWriter<T, C> committing, FirstRecord first) {
    this.writer = writer;
    this.committing = committing;
    this.first = first;
  }

  @Override
  public void write(T element, SinkWriter.Context context)
      throws IOException, InterruptedException {
    writer.write(element, context);
  }

  @Override
  public void writeWatermark(Watermark watermark) throws IOException, InterruptedException {
    writer.writeWatermark(watermark);
  }

  @Override
  public void flush(boolean endOfInput) throws IOException, InterruptedException {
    writer.flush(endOfInput);
  }

  @Override
  public Collection<Marked<C>> prepareCommit() throws IOException, InterruptedException {
    @Nullable Mark mark = first.take();
    List<Marked<C>> marked = new ArrayList<>();
    for (C committable : committing.prepareCommit()) {
      marked.add(new Marked<>(committable, mark));
    }
    return marked;
  }

  @Override
  public List<S> snapshotState(long checkpointId) throws IOException {
    return writer.snapshotState(checkpointId);
  }

  @Override
  public void close() throws Exception {
    writer.close();
  }
}
