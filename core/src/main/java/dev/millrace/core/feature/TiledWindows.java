package dev.millrace.core.feature;

import dev.millrace.core.feature.EntityState.Level;
import dev.millrace.core.feature.EntityState.Window;
import java.util.Arrays;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Windows whose far end is the edge of a tile, in bounded state.
 *
 * <p>Structure: tiles are slices of event time of 2^s ms, each with every accumulator of the view.
 * A window of length w has the hop h, the highest power of two not above w / 64, and holds the
 * events with floor(t / h) at least floor((T - w + 1) / h): all of (T-w, T], and of what is older
 * less than one hop, so at most w / 64 more. That depends on T and the events alone. Above its hop
 * a window has tiles of 8 and 64 hops, so that it is merged anew from some sixteen tiles when its
 * far end moves on; between two such moves an event is only added. Windows of one view share the
 * levels that they have in common.
 *
 * <p>State: at most 129 + 17 + 3 tiles a window, however many events there are. Of an entity with
 * few events there are no more tiles than events on each level.
 *
 * <p>[1] Li et al., No pane, no gain, SIGMOD Record 34(1), 2005; [2] Traub et al., General Stream
 * Slicing, EDBT 2019.
 */
final class TiledWindows implements EntityWindows {

  /** Least number of hops in a window: the bound of the error is one over it. */
  static final int HOPS_LEAST = 64;

  private static final int LEVEL_STEP = 3;
  private static final int LEVELS_OF_WINDOW = 3;
  private static final int SHIFT_BITS = 6;

  private final Aggregations aggregations;
  private final int windows;
  private final long[] lengthsMillis;

  /** Of each level, the logarithm of its tiles' length in ms. */
  private final int[] shifts;

  /** Of each window, its levels, finest first. */
  private final int[][] levelsOf;

  TiledWindows(ViewPlan plan) {
    this.aggregations = plan.aggregations();
    this.lengthsMillis = plan.finiteWindowsMillis();
    this.windows = lengthsMillis.length;
    TreeSet<Integer> distinct = new TreeSet<>();
    for (long length : lengthsMillis) {
      for (int shift : shiftsOf(length)) {
        distinct.add(shift);
      }
    }
    this.shifts = distinct.stream().mapToInt(Integer::intValue).toArray();
    this.levelsOf = new int[windows][];
    for (int i = 0; i < windows; i++) {
      levelsOf[i] =
          Arrays.stream(shiftsOf(lengthsMillis[i]))
              .map(s -> Arrays.binarySearch(shifts, s))
              .toArray();
    }
  }

  /** The hop of a window in ms: its bound of the error in time. */
  static long hopMillis(long lengthMillis) {
    return 1L << shift(lengthMillis);
  }

  private static int shift(long lengthMillis) {
    long most = Math.max(1, lengthMillis / HOPS_LEAST);
    return Long.SIZE - 1 - Long.numberOfLeadingZeros(most);
  }

  private static int[] shiftsOf(long lengthMillis) {
    int[] shifts = new int[LEVELS_OF_WINDOW];
    for (int level = 0; level < LEVELS_OF_WINDOW; level++) {
      shifts[level] = shift(lengthMillis) + level * LEVEL_STEP;
    }
    return shifts;
  }

  @Override
  public EntityState newState() {
    Window[] all = new Window[aggregations.windowsMillis().length];
    for (int i = 0; i < all.length; i++) {
      all[i] = ViewPlan.allTime(aggregations, i);
    }
    Level[] levels = new Level[shifts.length];
    for (int level = 0; level < levels.length; level++) {
      levels[level] = new Level();
    }
    return new EntityState(all, null, levels);
  }

  @Override
  public void moveTo(EntityState state, long atMillis, EntityStore store) {
    boolean back = atMillis < state.windowsAtMillis;
    state.windowsAtMillis = atMillis;
    for (int i = 0; i < windows; i++) {
      Window window = state.windows[i];
      long boundary = (atMillis - lengthsMillis[i] + 1) >> shift(i);
      if (boundary != window.boundary) {
        window.boundary = boundary;
        if (back || window.first < boundary) {
          merge(state, i, store);
        }
      }
    }
  }

  @Override
  public boolean full(EntityState state, long atMillis) {
    return false;
  }

  @Override
  public void add(EntityState state, EventView event, EntityStore store) {
    for (int i = 0; i < windows; i++) {
      Window window = state.windows[i];
      long index = event.timeMillis() >> shift(i);
      if (index >= window.boundary) {
        window.first = Math.min(window.first, index);
        for (Accumulator accumulator : window.accumulators) {
          accumulator.add(event);
        }
      }
    }
    for (int level = 0; level < shifts.length; level++) {
      long index = event.timeMillis() >> shifts[level];
      if (((index + 1) << shifts[level]) > neededFromMillis(state, level)) {
        addToTile(state.levels[level], shifts[level], index, event, store);
      }
    }
  }

  private void addToTile(Level level, int shift, long index, EventView event, EntityStore store) {
    if (index > level.openIndex) {
      if (level.openIndex != Level.NONE) {
        store.putTile(tileId(shift, level.openIndex), level.open);
        level.stored = Arrays.copyOf(level.stored, level.stored.length + 1);
        level.stored[level.stored.length - 1] = level.openIndex;
      }
      level.openIndex = index;
      level.open = aggregations.emptyTile();
    }
    if (index == level.openIndex) {
      add(level.open, event);
      return;
    }
    int place = Arrays.binarySearch(level.stored, index);
    Accumulator[] tile;
    if (place >= 0) {
      tile = stored(shift, index, store);
    } else {
      tile = aggregations.emptyTile();
      level.stored = inserted(level.stored, -place - 1, index);
    }
    add(tile, event);
    store.putTile(tileId(shift, index), tile);
  }

  private static void add(Accumulator[] tile, EventView event) {
    for (Accumulator accumulator : tile) {
      accumulator.add(event);
    }
  }

  private static long[] inserted(long[] values, int place, long value) {
    long[] more = new long[values.length + 1];
    System.arraycopy(values, 0, more, 0, place);
    more[place] = value;
    System.arraycopy(values, place, more, place + 1, values.length - place);
    return more;
  }

  /** Merges a window anew from its boundary on, by the largest tiles that begin where it stands. */
  private void merge(EntityState state, int i, EntityStore store) {
    Window window = state.windows[i];
    Accumulator[] empty = aggregations.empty(i);
    System.arraycopy(empty, 0, window.accumulators, 0, empty.length);
    window.first = firstFrom(state.levels[levelsOf[i][0]], window.boundary);
    if (window.first == Window.NOTHING) {
      return;
    }
    long at = window.first << shift(i);
    while (at <= state.eventTimeMillis) {
      int level = levelsOf[i][0];
      for (int coarser : levelsOf[i]) {
        if ((at & ((1L << shifts[coarser]) - 1)) == 0) {
          level = coarser;
        }
      }
      Accumulator[] tile = tile(state.levels[level], level, at >> shifts[level], store);
      if (tile != null) {
        aggregations.mergeTile(i, window.accumulators, tile);
      }
      at += 1L << shifts[level];
    }
  }

  private static long firstFrom(Level level, long index) {
    int place = Arrays.binarySearch(level.stored, index);
    int at = place >= 0 ? place : -place - 1;
    if (at < level.stored.length) {
      return level.stored[at];
    }
    return level.openIndex != Level.NONE && level.openIndex >= index
        ? level.openIndex
        : Window.NOTHING;
  }

  private Accumulator @Nullable [] tile(Level level, int at, long index, EntityStore store) {
    if (index == level.openIndex) {
      return level.open;
    }
    return Arrays.binarySearch(level.stored, index) < 0 ? null : stored(shifts[at], index, store);
  }

  private static Accumulator[] stored(int shift, long index, EntityStore store) {
    Accumulator[] tile = store.tile(tileId(shift, index));
    if (tile == null) {
      throw new IllegalStateException(
          "Cannot read tile " + index + " of 2^" + shift + " ms: it is not in the state");
    }
    return tile;
  }

  @Override
  public long nextExitMillis(EntityState state) {
    long next = Long.MAX_VALUE;
    for (int i = 0; i < windows; i++) {
      long first = state.windows[i].first;
      if (first != Window.NOTHING) {
        next = Math.min(next, ((first + 1) << shift(i)) + lengthsMillis[i] - 1);
      }
    }
    return next;
  }

  @Override
  public boolean empty(EntityState state) {
    for (int i = 0; i < windows; i++) {
      if (state.windows[i].first != Window.NOTHING) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void evict(EntityState state, EntityStore store) {
    if (state.windowsAtMillis != state.timeMillis) {
      return;
    }
    for (int l = 0; l < shifts.length; l++) {
      Level level = state.levels[l];
      int shift = shifts[l];
      long fromMillis = neededFromMillis(state, l);
      int gone = 0;
      while (gone < level.stored.length && ((level.stored[gone] + 1) << shift) <= fromMillis) {
        store.removeTile(tileId(shift, level.stored[gone]));
        gone++;
      }
      if (gone > 0) {
        level.stored = Arrays.copyOfRange(level.stored, gone, level.stored.length);
      }
      if (level.openIndex != Level.NONE && ((level.openIndex + 1) << shift) <= fromMillis) {
        level.openIndex = Level.NONE;
        level.open = new Accumulator[0];
      }
    }
  }

  /** The earliest time that a window with tiles of this level reaches back to. */
  private long neededFromMillis(EntityState state, int level) {
    long from = Long.MAX_VALUE;
    for (int i = 0; i < windows; i++) {
      for (int own : levelsOf[i]) {
        if (own == level) {
          from = Math.min(from, state.windows[i].boundary << shift(i));
        }
      }
    }
    return from;
  }

  private int shift(int window) {
    return shifts[levelsOf[window][0]];
  }

  private static long tileId(int shift, long index) {
    return (index << SHIFT_BITS) | shift;
  }
}
