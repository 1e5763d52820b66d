package dev.millrace.core.feature;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Pages and tiles as bytes, so that what is changed and not put back is lost, as on a disk. */
final class HeapStore implements EntityStore {

  private final Map<Long, byte[]> pages = new HashMap<>();
  private final Map<Long, byte[]> tiles = new HashMap<>();

  /** How often something was read. */
  int reads;

  @Override
  public @Nullable EventPage page(long id) {
    reads++;
    byte[] bytes = pages.get(id);
    return bytes == null ? null : from(bytes, EventPage::read);
  }

  @Override
  public void putPage(long id, EventPage page) {
    pages.put(id, bytes(page::write));
  }

  @Override
  public void removePage(long id) {
    pages.remove(id);
  }

  @Override
  public Accumulator @Nullable [] tile(long id) {
    reads++;
    byte[] bytes = tiles.get(id);
    return bytes == null ? null : from(bytes, EntityState::readTile);
  }

  @Override
  public void putTile(long id, Accumulator[] tile) {
    tiles.put(id, bytes(out -> EntityState.writeTile(tile, out)));
  }

  @Override
  public void removeTile(long id) {
    tiles.remove(id);
  }

  boolean isEmpty() {
    return pages.isEmpty() && tiles.isEmpty();
  }

  int tiles() {
    return tiles.size();
  }

  long storedBytes() {
    return pages.values().stream().mapToLong(b -> b.length + 8).sum()
        + tiles.values().stream().mapToLong(b -> b.length + 8).sum();
  }

  /** The state after it went to a disk and back. */
  static EntityState reread(EntityState state) {
    return from(bytes(state::write), EntityState::read);
  }

  interface Writer {
    void write(DataOutputStream out) throws IOException;
  }

  interface Reader<T> {
    T read(DataInputStream in) throws IOException;
  }

  static byte[] bytes(Writer writer) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      writer.write(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static <T> T from(byte[] bytes, Reader<T> reader) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      T read = reader.read(in);
      if (in.available() > 0) {
        throw new IOException(in.available() + " bytes were not read");
      }
      return read;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
