package dev.millrace.core.feature;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Keeps an entity's pages and tiles in memory and counts what a state backend would do. */
final class CountingStore implements EntityStore {

  /**
   * A page or a tile.
   *
   * @param bytes that it takes when written
   */
  private record Part<T>(T value, int bytes) {}

  private final Map<Long, Part<EventPage>> pages = new HashMap<>();
  private final Map<Long, Part<Accumulator[]>> tiles = new HashMap<>();

  /** Bytes of the parts that are there. */
  long bytes;

  private long reads;
  private long writes;
  private long bytesWritten;

  /**
   * What was done so far.
   *
   * @param writes of parts that were put or removed
   */
  record Counts(long reads, long writes, long bytesWritten) {}

  Counts counts() {
    return new Counts(reads, writes, bytesWritten);
  }

  int parts() {
    return pages.size() + tiles.size();
  }

  @Override
  public @Nullable EventPage page(long id) {
    return read(pages, id);
  }

  @Override
  public void putPage(long id, EventPage page) {
    put(pages, id, page, size(page::write));
  }

  @Override
  public void removePage(long id) {
    remove(pages, id);
  }

  @Override
  public Accumulator @Nullable [] tile(long id) {
    return read(tiles, id);
  }

  @Override
  public void putTile(long id, Accumulator[] tile) {
    put(tiles, id, tile, size(out -> EntityState.writeTile(tile, out)));
  }

  @Override
  public void removeTile(long id) {
    remove(tiles, id);
  }

  private <T> @Nullable T read(Map<Long, Part<T>> parts, long id) {
    reads++;
    Part<T> part = parts.get(id);
    return part == null ? null : part.value;
  }

  private <T> void put(Map<Long, Part<T>> parts, long id, T value, int size) {
    Part<T> before = parts.put(id, new Part<>(value, size));
    bytes += size - (before == null ? 0 : before.bytes);
    bytesWritten += size;
    writes++;
  }

  private <T> void remove(Map<Long, Part<T>> parts, long id) {
    Part<T> before = parts.remove(id);
    bytes -= before == null ? 0 : before.bytes;
    writes++;
  }

  /** What is written somewhere. */
  interface Written {
    void write(DataOutputStream out) throws IOException;
  }

  static int size(Written written) {
    try (DataOutputStream out = new DataOutputStream(OutputStream.nullOutputStream())) {
      written.write(out);
      return out.size();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
