package dev.millrace.streaming;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import org.apache.flink.connector.base.sink.writer.AsyncSinkWriterStateSerializer;
import org.apache.flink.core.memory.DataInputViewStreamWrapper;
import org.apache.flink.core.memory.DataOutputViewStreamWrapper;

/** Writes the rows that wait for Redis into checkpoints. */
final class RowRequestSerializer extends AsyncSinkWriterStateSerializer<RowRequest> {

  private static final int VERSION = 1;

  @Override
  protected void serializeRequestToStream(RowRequest request, DataOutputStream out)
      throws IOException {
    Serializers.FeatureRowSerializer.INSTANCE.serialize(
        request.row(), new DataOutputViewStreamWrapper(out));
  }

  @Override
  protected RowRequest deserializeRequestFromStream(long unusedSize, DataInputStream in)
      throws IOException {
    return new RowRequest(
        Serializers.FeatureRowSerializer.INSTANCE.deserialize(new DataInputViewStreamWrapper(in)));
  }

  @Override
  public int getVersion() {
    return VERSION;
  }
}
