package dev.millrace.core.feature;

import org.jspecify.annotations.Nullable;

/**
 * Where an entity keeps what is read seldom: pages of events (exact views) or tiles (tiled views).
 * What {@link #page} and {@link #tile} give may be changed only when it is put back.
 */
public interface EntityStore {

  @Nullable EventPage page(long id);

  void putPage(long id, EventPage page);

  void removePage(long id);

  Accumulator @Nullable [] tile(long id);

  void putTile(long id, Accumulator[] tile);

  void removeTile(long id);
}
