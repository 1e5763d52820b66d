package dev.millrace.core.feature;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.plugin.AggregationProvider;
import dev.millrace.core.plugin.InstalledFunction;
import dev.millrace.core.plugin.Plugins;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A user's function over a column, or over events where it takes none. Null is no value.
 *
 * <p>Removes if the function does, and lets its aggregate go once nothing is left in it; never
 * stale. Its bytes stand in a frame with its name and version, so that what it writes and reads can
 * touch nothing else. Some 6 bytes, its name, and what it writes.
 */
final class PluginAggregate<A> implements Accumulator {

  static final byte TAG = 13;

  /** In place of a column: takes every event. */
  static final int NO_COLUMN = -1;

  private final InstalledFunction function;
  private final AggregationProvider<A> provider;
  private final int column;
  private final boolean number;
  private long values;

  /** As it was read or written, until something changes. */
  private byte @Nullable [] bytes;

  private @Nullable A aggregate;

  private PluginAggregate(
      InstalledFunction function, AggregationProvider<A> provider, int column, boolean number) {
    this.function = function;
    this.provider = provider;
    this.column = column;
    this.number = number;
  }

  static InstalledFunction installed(Feature.Plugin plugin) {
    return Plugins.installed().function(plugin.name(), plugin.version());
  }

  static PluginAggregate<?> of(Feature.Plugin plugin, int column, boolean number) {
    InstalledFunction function = installed(plugin);
    return of(function, function.provider(), column, number);
  }

  private static <A> PluginAggregate<A> of(
      InstalledFunction function, AggregationProvider<A> provider, int column, boolean number) {
    return new PluginAggregate<>(function, provider, column, number);
  }

  private @Nullable Object value(EventView event) {
    if (column == NO_COLUMN) {
      return true;
    }
    if (!number) {
      return PlainValues.of(event.object(column));
    }
    double value = event.number(column);
    return Double.isNaN(value) ? null : (Object) value;
  }

  private A current() throws IOException {
    A open = aggregate;
    if (open == null) {
      byte[] written = bytes;
      if (written == null) {
        open = provider.create();
      } else {
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(written));
        open = provider.read(in);
        if (in.available() > 0) {
          throw new IOException(in.available() + " bytes of the aggregate were not read");
        }
      }
      aggregate = open;
    }
    return open;
  }

  private A changing() throws IOException {
    A open = current();
    bytes = null;
    return open;
  }

  @Override
  public void add(EventView event) {
    Object value = value(event);
    if (value == null) {
      return;
    }
    try {
      provider.add(changing(), value, event.timeMillis());
    } catch (RuntimeException | LinkageError | IOException e) {
      throw function.failed("add the value " + value, e);
    }
    values++;
  }

  @Override
  public boolean removes() {
    return function.removes();
  }

  @Override
  public void remove(EventView event) {
    Object value = value(event);
    if (value == null) {
      return;
    }
    if (values == 1) {
      beginFold();
      return;
    }
    try {
      provider.remove(changing(), value, event.timeMillis());
    } catch (RuntimeException | LinkageError | IOException e) {
      throw function.failed("remove the value " + value, e);
    }
    values--;
  }

  @Override
  public void beginFold() {
    values = 0;
    bytes = null;
    aggregate = null;
  }

  @Override
  @SuppressWarnings("unchecked") // one slot's accumulators are all of one function
  public void merge(Accumulator other) {
    PluginAggregate<A> part = (PluginAggregate<A>) other;
    if (part.values == 0) {
      return;
    }
    try {
      provider.merge(changing(), part.current());
    } catch (RuntimeException | LinkageError | IOException e) {
      throw function.failed("merge", e);
    }
    values += part.values;
  }

  @Override
  public boolean isEmpty() {
    return values == 0;
  }

  @Nullable Object result(long atMillis, long windowMillis) {
    if (values == 0) {
      return null;
    }
    try {
      return function.checked(provider.result(current(), atMillis, windowMillis));
    } catch (RuntimeException | LinkageError | IOException e) {
      throw function.failed("read the value", e);
    }
  }

  @Override
  public PluginAggregate<A> copy() {
    PluginAggregate<A> copy = new PluginAggregate<>(function, provider, column, number);
    copy.values = values;
    copy.bytes = values == 0 ? null : bytes();
    return copy;
  }

  private byte[] bytes() {
    byte[] written = bytes;
    if (written == null) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      try {
        provider.write(current(), new DataOutputStream(out));
      } catch (RuntimeException | LinkageError | IOException e) {
        throw function.failed("write the state", e);
      }
      written = out.toByteArray();
      bytes = written;
    }
    return written;
  }

  @Override
  public void write(DataOutput out) throws IOException {
    out.writeByte(TAG);
    CompactData.writeText(out, function.name());
    CompactData.writeCount(out, function.version());
    CompactData.writeCount(out, column + 1L);
    out.writeBoolean(number);
    CompactData.writeCount(out, values);
    if (values > 0) {
      CompactData.writeBytes(out, bytes());
    }
  }

  static PluginAggregate<?> read(DataInput in) throws IOException {
    String name = CompactData.readText(in);
    int version = CompactData.readSize(in);
    int column = CompactData.readSize(in) - 1;
    PluginAggregate<?> read = of(new Feature.Plugin(name, version), column, in.readBoolean());
    read.values = CompactData.readCount(in);
    if (read.values > 0) {
      read.bytes = CompactData.readBytes(in);
    }
    return read;
  }
}
