package dev.millrace.core.feature;

import dev.millrace.core.row.Positions;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What is read and written with every event of an entity in one view: where its row stands, its
 * windows' accumulators, and the newest page of events or the open tiles. Mutable; one owner.
 */
public final class EntityState {

  static final long NEVER = Long.MIN_VALUE / 2;

  private static final int FORMAT = 1;

  /** T of the last row. */
  public long timeMillis = NEVER;

  /** The largest event time accepted; where T is beyond it, T comes from a refresh. */
  public long eventTimeMillis = NEVER;

  public Positions positions = Positions.NONE;

  /** The wall time of the last refresh that went to Redis. */
  public long refreshedAtMillis;

  /** The event time of the one timer that is set; {@link Long#MAX_VALUE} where none is. */
  public long timerMillis = Long.MAX_VALUE;

  /**
   * The time that the windows' accumulators stand at. It is beyond T where nothing changed since:
   * then T stands, and an event may still come before it.
   */
  long windowsAtMillis = NEVER;

  /** By length, those of all time last. */
  final Window[] windows;

  /** The newest events of an exact view. */
  final @Nullable Pages pages;

  /** The levels of tiles of a tiled view, finest first. */
  final Level[] levels;

  EntityState(Window[] windows, @Nullable Pages pages, Level[] levels) {
    this.windows = windows;
    this.pages = pages;
    this.levels = levels;
  }

  /** The state of no view, for serializers. */
  public static EntityState nothing() {
    return new EntityState(new Window[0], null, new Level[0]);
  }

  /** One window of the view. */
  static final class Window {

    static final long NOTHING = Long.MAX_VALUE;

    final Accumulator[] accumulators;

    /**
     * Exact views: of the accumulators that cannot remove, what they hold without the tail page's
     * events; null in the places of all others.
     */
    final @Nullable Accumulator[] rest;

    /** Exact: the page that holds the window's first event. */
    long tailPage;

    /**
     * Exact: the time of the window's first event. Tiled: the first tile that is in the window and
     * holds events. {@link #NOTHING} where the window is empty.
     */
    long first = NOTHING;

    /** Tiled: the index of the first tile that the window reaches. */
    long boundary = NEVER;

    Window(Accumulator[] accumulators, @Nullable Accumulator[] rest) {
      this.accumulators = accumulators;
      this.rest = rest;
    }

    Window copy() {
      Window copy = new Window(copyPresent(accumulators), copyOf(rest));
      copy.tailPage = tailPage;
      copy.first = first;
      copy.boundary = boundary;
      return copy;
    }

    private void write(DataOutput out) throws IOException {
      writeAll(accumulators, out);
      writeAll(rest, out);
      out.writeLong(tailPage);
      out.writeLong(first);
      out.writeLong(boundary);
    }

    private static Window read(DataInput in) throws IOException {
      Window window = new Window(readPresent(in), readAll(in));
      window.tailPage = in.readLong();
      window.first = in.readLong();
      window.boundary = in.readLong();
      return window;
    }
  }

  /** The chain of an exact view's pages; the newest is here, the others are in the store. */
  static final class Pages {
    EventPage newest;
    long newestId;
    long firstId;
    long nextId = 1;

    /** The largest event time in the pages that are in the store. */
    long storedThroughMillis = NEVER;

    /** How many events there are in the longest window. */
    int events;

    Pages(EventPage newest) {
      this.newest = newest;
    }

    Pages copy() {
      Pages copy = new Pages(newest.copy());
      copy.newestId = newestId;
      copy.firstId = firstId;
      copy.nextId = nextId;
      copy.storedThroughMillis = storedThroughMillis;
      copy.events = events;
      return copy;
    }

    private void write(DataOutput out) throws IOException {
      newest.write(out);
      out.writeLong(newestId);
      out.writeLong(firstId);
      out.writeLong(nextId);
      out.writeLong(storedThroughMillis);
      out.writeInt(events);
    }

    private static Pages read(DataInput in) throws IOException {
      Pages pages = new Pages(EventPage.read(in));
      pages.newestId = in.readLong();
      pages.firstId = in.readLong();
      pages.nextId = in.readLong();
      pages.storedThroughMillis = in.readLong();
      pages.events = in.readInt();
      return pages;
    }
  }

  /** Tiles of one length: the newest is open and here, the others are in the store. */
  static final class Level {

    static final long NONE = Long.MIN_VALUE;

    long openIndex = NONE;
    Accumulator[] open = new Accumulator[0];

    /** The indexes of the tiles in the store, ascending. */
    long[] stored = new long[0];

    Level copy() {
      Level copy = new Level();
      copy.openIndex = openIndex;
      copy.open = copyPresent(open);
      copy.stored = stored.clone();
      return copy;
    }

    private void write(DataOutput out) throws IOException {
      out.writeLong(openIndex);
      writeAll(open, out);
      CompactData.writeCount(out, stored.length);
      long before = 0;
      for (long index : stored) {
        CompactData.writeSigned(out, index - before);
        before = index;
      }
    }

    private static Level read(DataInput in) throws IOException {
      Level level = new Level();
      level.openIndex = in.readLong();
      level.open = readPresent(in);
      level.stored = new long[CompactData.readSize(in)];
      long before = 0;
      for (int i = 0; i < level.stored.length; i++) {
        before += CompactData.readSigned(in);
        level.stored[i] = before;
      }
      return level;
    }
  }

  public EntityState copy() {
    Window[] windowCopies = new Window[windows.length];
    for (int i = 0; i < windows.length; i++) {
      windowCopies[i] = windows[i].copy();
    }
    Level[] levelCopies = new Level[levels.length];
    for (int i = 0; i < levels.length; i++) {
      levelCopies[i] = levels[i].copy();
    }
    EntityState copy =
        new EntityState(windowCopies, pages == null ? null : pages.copy(), levelCopies);
    copy.timeMillis = timeMillis;
    copy.eventTimeMillis = eventTimeMillis;
    copy.positions = positions;
    copy.refreshedAtMillis = refreshedAtMillis;
    copy.timerMillis = timerMillis;
    copy.windowsAtMillis = windowsAtMillis;
    return copy;
  }

  /** Writes itself so that {@link #read} needs no definition of the view. */
  public void write(DataOutput out) throws IOException {
    out.writeByte(FORMAT);
    out.writeLong(timeMillis);
    out.writeLong(eventTimeMillis);
    out.writeLong(windowsAtMillis);
    out.writeLong(refreshedAtMillis);
    out.writeLong(timerMillis);
    CompactData.writeCount(out, positions.size());
    for (int i = 0; i < positions.size(); i++) {
      CompactData.writeCount(out, positions.partition(i));
      CompactData.writeSigned(out, positions.offset(i));
    }
    CompactData.writeCount(out, windows.length);
    for (Window window : windows) {
      window.write(out);
    }
    Pages written = pages;
    out.writeBoolean(written != null);
    if (written != null) {
      written.write(out);
    }
    CompactData.writeCount(out, levels.length);
    for (Level level : levels) {
      level.write(out);
    }
  }

  public static EntityState read(DataInput in) throws IOException {
    int format = in.readByte();
    if (format != FORMAT) {
      throw new IOException(
          "Cannot read an entity's state: it has format " + format + ", known is " + FORMAT);
    }
    long timeMillis = in.readLong();
    long eventTimeMillis = in.readLong();
    long windowsAtMillis = in.readLong();
    long refreshedAtMillis = in.readLong();
    long timerMillis = in.readLong();
    int[] partitions = new int[CompactData.readSize(in)];
    long[] offsets = new long[partitions.length];
    for (int i = 0; i < partitions.length; i++) {
      partitions[i] = CompactData.readSize(in);
      offsets[i] = CompactData.readSigned(in);
    }
    Window[] windows = new Window[CompactData.readSize(in)];
    for (int i = 0; i < windows.length; i++) {
      windows[i] = Window.read(in);
    }
    Pages pages = in.readBoolean() ? Pages.read(in) : null;
    Level[] levels = new Level[CompactData.readSize(in)];
    for (int i = 0; i < levels.length; i++) {
      levels[i] = Level.read(in);
    }
    EntityState state = new EntityState(windows, pages, levels);
    state.timeMillis = timeMillis;
    state.eventTimeMillis = eventTimeMillis;
    state.windowsAtMillis = windowsAtMillis;
    state.refreshedAtMillis = refreshedAtMillis;
    state.timerMillis = timerMillis;
    state.positions = Positions.of(partitions, offsets);
    return state;
  }

  /** Writes a tile. */
  public static void writeTile(Accumulator[] tile, DataOutput out) throws IOException {
    writeAll(tile, out);
  }

  /** Reads what {@link #writeTile} wrote. */
  public static Accumulator[] readTile(DataInput in) throws IOException {
    return readPresent(in);
  }

  /** Copies a tile. */
  public static Accumulator[] copyTile(Accumulator[] tile) {
    return copyPresent(tile);
  }

  private static @Nullable Accumulator[] copyOf(@Nullable Accumulator[] accumulators) {
    @Nullable Accumulator[] copies = new Accumulator[accumulators.length];
    for (int i = 0; i < copies.length; i++) {
      Accumulator accumulator = accumulators[i];
      copies[i] = accumulator == null ? null : accumulator.copy();
    }
    return copies;
  }

  private static Accumulator[] copyPresent(Accumulator[] accumulators) {
    Accumulator[] copies = new Accumulator[accumulators.length];
    for (int i = 0; i < copies.length; i++) {
      copies[i] = accumulators[i].copy();
    }
    return copies;
  }

  private static void writeAll(@Nullable Accumulator[] accumulators, DataOutput out)
      throws IOException {
    CompactData.writeCount(out, accumulators.length);
    for (Accumulator accumulator : accumulators) {
      out.writeBoolean(accumulator != null);
      if (accumulator != null) {
        accumulator.write(out);
      }
    }
  }

  private static @Nullable Accumulator[] readAll(DataInput in) throws IOException {
    @Nullable Accumulator[] accumulators = new Accumulator[CompactData.readSize(in)];
    for (int i = 0; i < accumulators.length; i++) {
      accumulators[i] = in.readBoolean() ? Accumulators.read(in) : null;
    }
    return accumulators;
  }

  private static Accumulator[] readPresent(DataInput in) throws IOException {
    Accumulator[] accumulators = new Accumulator[CompactData.readSize(in)];
    for (int i = 0; i < accumulators.length; i++) {
      if (!in.readBoolean()) {
        throw new IOException("Cannot read an entity's state: accumulator " + i + " is missing");
      }
      accumulators[i] = Accumulators.read(in);
    }
    return accumulators;
  }
}
