package dev.millrace.core.feature;

import java.util.List;

/**
 * Events of a view's entities over a stretch of time, by which its cost is known before it runs.
 *
 * @param idBytes how long an event's id is, for what finds repeated ones
 * @param fromMillis where the stretch begins
 * @param toMillis where it ends; no event is later
 */
public record EventLoad(List<OfEntity> entities, int idBytes, long fromMillis, long toMillis) {

  public EventLoad {
    entities = List.copyOf(entities);
  }

  /**
   * One entity's events.
   *
   * @param events in order of time, with the columns of the view's {@link Aggregations}
   */
  public record OfEntity(String key, List<Arrival> events) {
    public OfEntity {
      events = List.copyOf(events);
    }
  }

  public long spanMillis() {
    return toMillis - fromMillis;
  }

  public long events() {
    return entities.stream().mapToLong(e -> e.events.size()).sum();
  }
}
