package dev.millrace.pipeline;

import dev.millrace.core.feature.Accumulator;
import dev.millrace.core.feature.EntityState;
import dev.millrace.core.feature.EventPage;
import dev.millrace.streaming.RecordType;
import java.time.Duration;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.StateTtlConfig;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;

/**
 * The keyed state of one view, for whoever computes with it and whoever writes it into a savepoint:
 * one value per entity and, beside it, its older pages of events or its tiles, and the ids of the
 * dedup window.
 */
final class ViewState {

  /** State must not go before the row in Redis, whose life starts a little later. */
  private static final Duration LONGER_THAN_ROW = Duration.ofHours(1);

  private final ValueState<EntityState> entity;
  private final MapState<Long, EventPage> pages;
  private final MapState<Long, Accumulator[]> tiles;
  private final MapState<String, Long> seen;
  private final StateStore store;

  /**
   * The state of the operator that opens.
   *
   * @param rowTtl how long a row lives in Redis
   */
  ViewState(RuntimeContext context, Duration rowTtl) {
    ValueStateDescriptor<EntityState> descriptor =
        new ValueStateDescriptor<>(
            "entity", new RecordType<>(EntityState.class, EntityStateSerializer.OfEntity.INSTANCE));
    descriptor.enableTimeToLive(
        StateTtlConfig.newBuilder(rowTtl.plus(LONGER_THAN_ROW))
            .updateTtlOnCreateAndWrite()
            .neverReturnExpired()
            // One look an access: there are never more entries than accesses that made them.
            .cleanupIncrementally(1, false)
            .cleanupInRocksdbCompactFilter(1_000)
            .build());
    entity = context.getState(descriptor);
    pages =
        context.getMapState(
            new MapStateDescriptor<>(
                "pages",
                Types.LONG,
                new RecordType<>(EventPage.class, EntityStateSerializer.OfPage.INSTANCE)));
    tiles =
        context.getMapState(
            new MapStateDescriptor<>(
                "tiles",
                Types.LONG,
                new RecordType<>(Accumulator[].class, EntityStateSerializer.OfTile.INSTANCE)));
    store = new StateStore(pages, tiles);
    seen = context.getMapState(new MapStateDescriptor<>("seen-ids", Types.STRING, Types.LONG));
  }

  ValueState<EntityState> entity() {
    return entity;
  }

  /** The ids of the dedup window, with the times of their events. */
  MapState<String, Long> seen() {
    return seen;
  }

  StateStore store() {
    return store;
  }

  /** Gives all that there is of the current key. */
  void parts(String entityKey, Consumer<EntityPart> out) throws Exception {
    EntityState state = entity.value();
    if (state == null) {
      return;
    }
    out.accept(EntityPart.entity(entityKey, state));
    for (Map.Entry<Long, EventPage> page : pages.entries()) {
      out.accept(EntityPart.page(entityKey, page.getKey(), page.getValue()));
    }
    for (Map.Entry<Long, Accumulator[]> tile : tiles.entries()) {
      out.accept(EntityPart.tile(entityKey, tile.getKey(), tile.getValue()));
    }
    for (Map.Entry<String, Long> id : seen.entries()) {
      out.accept(EntityPart.seen(entityKey, id.getKey(), id.getValue()));
    }
  }

  /** Takes one of the {@link #parts} for the current key. */
  void put(EntityPart part) throws Exception {
    switch (part.kind()) {
      case ENTITY -> entity.update((EntityState) part.part());
      case PAGE -> pages.put(part.id(), (EventPage) part.part());
      case TILE -> tiles.put(part.id(), (Accumulator[]) part.part());
      case SEEN -> seen.put(part.eventId(), part.id());
    }
  }
}
