package dev.millrace.pipeline;

import dev.millrace.core.feature.Accumulator;
import dev.millrace.core.feature.EntityStore;
import dev.millrace.core.feature.EventPage;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.flink.api.common.state.MapState;
import org.jspecify.annotations.Nullable;

/** The current key's pages and tiles in Flink's state. */
final class StateStore implements EntityStore {

  private final MapState<Long, EventPage> pages;
  private final MapState<Long, Accumulator[]> tiles;

  StateStore(MapState<Long, EventPage> pages, MapState<Long, Accumulator[]> tiles) {
    this.pages = pages;
    this.tiles = tiles;
  }

  void clear() {
    pages.clear();
    tiles.clear();
  }

  @Override
  public @Nullable EventPage page(long id) {
    return read(pages, id);
  }

  @Override
  public void putPage(long id, EventPage page) {
    put(pages, id, page);
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
    put(tiles, id, tile);
  }

  @Override
  public void removeTile(long id) {
    remove(tiles, id);
  }

  /** State backends declare {@code Exception}; what they throw is that storage failed. */
  @SuppressWarnings("IllegalCatch")
  private static <T> @Nullable T read(MapState<Long, T> state, long id) {
    try {
      return state.get(id);
    } catch (Exception e) {
      throw failed("read", id, e);
    }
  }

  @SuppressWarnings("IllegalCatch")
  private static <T> void put(MapState<Long, T> state, long id, T value) {
    try {
      state.put(id, value);
    } catch (Exception e) {
      throw failed("write", id, e);
    }
  }

  @SuppressWarnings("IllegalCatch")
  private static void remove(MapState<Long, ?> state, long id) {
    try {
      state.remove(id);
    } catch (Exception e) {
      throw failed("remove", id, e);
    }
  }

  private static RuntimeException failed(String what, long id, Exception e) {
    return new UncheckedIOException(
        new IOException("Cannot " + what + " part " + id + " of an entity's state", e));
  }
}
