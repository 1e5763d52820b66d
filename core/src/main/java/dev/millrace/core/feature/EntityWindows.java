package dev.millrace.core.feature;

/** How a view keeps an entity's windows: with all their events, or with tiles of them. */
sealed interface EntityWindows permits ExactWindows, TiledWindows {

  /** Empty windows of an entity that has no event yet. */
  EntityState newState();

  /** Brings the accumulators to a time, later or earlier than where they stand. */
  void moveTo(EntityState state, long atMillis, EntityStore store);

  /** Whether the entity has as many events as it may, and still at the given time. */
  boolean full(EntityState state, long atMillis);

  /** Takes an event that is not after the time the windows stand at. */
  void add(EntityState state, EventView event, EntityStore store);

  /**
   * The earliest time after that of the windows at which something leaves one; {@link
   * Long#MAX_VALUE} where all are empty.
   */
  long nextExitMillis(EntityState state);

  /** Whether no window holds an event. */
  boolean empty(EntityState state);

  /** Drops what no row at or after T can need. */
  void evict(EntityState state, EntityStore store);
}
