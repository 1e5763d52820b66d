package dev.millrace.streaming;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.core.memory.DataOutputView;

/**
 * The base of our serializers: values are immutable, so copies are the values themselves, and each
 * class writes and reads its fields in order.
 *
 * @param <T> the immutable type
 */
public abstract class RecordSerializer<T> extends TypeSerializerSingleton<T> {

  private static final long serialVersionUID = 1L;

  /** What one value takes at first; the buffer grows. */
  private static final int BUFFER_BYTES = 256;

  /** Writes the value's fields in order. */
  protected abstract void write(T value, DataOutputView out) throws IOException;

  /**
   * A checkpoint of state on the heap goes through streams that take each byte on its own: gathered
   * first, it costs half.
   */
  @Override
  public final void serialize(T value, DataOutputView out) throws IOException {
    if (out instanceof DataOutputSerializer) {
      write(value, out);
      return;
    }
    DataOutputSerializer gathered = new DataOutputSerializer(BUFFER_BYTES);
    write(value, gathered);
    out.write(gathered.getSharedBuffer(), 0, gathered.length());
  }

  @Override
  public boolean isImmutableType() {
    return true;
  }

  @Override
  public T copy(T from) {
    return from;
  }

  @Override
  public T copy(T from, T reuse) {
    return from;
  }

  @Override
  public int getLength() {
    return -1;
  }

  @Override
  public T deserialize(T reuse, DataInputView source) throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    serialize(deserialize(source), target);
  }
}
