package dev.millrace.core.feature;

import dev.millrace.core.feature.EntityState.Pages;
import dev.millrace.core.feature.EntityState.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Windows (T-w, T] with exact ends.
 *
 * <p>Structure: each event of the longest window is stored once, in a chain of pages of at most 64
 * events (more where late ones came) ordered by (event time, partition, offset); the newest page
 * travels with the entity's state, so an event in order costs no further read. Each window knows
 * its first event and the page that holds it. An event is added to the accumulators of every window
 * it is in, and removed from each as it leaves. What cannot remove (a sketch, a set) is kept twice:
 * with all of the window, and without its first page; when an event leaves, the rest of that page
 * is added to the latter, and only when a whole page has left are the pages read again. What has
 * forgotten too much (the least of many values) is folded anew.
 *
 * <p>Cost, with n events in a window: O(1) accumulator steps on entry and on exit; for sketches
 * O(page) on exit and O(n) once a page, so O(n / 64) an event. No error.
 *
 * <p>The idea of a log of events read at both ends of each window, and of parts shared by windows:
 * [1] Gomes et al., Railgun, VLDB 14(12), 2021; [2] Traub et al., General Stream Slicing, EDBT
 * 2019.
 */
final class ExactWindows implements EntityWindows {

  private final Aggregations aggregations;
  private final int windows;
  private final long[] lengthsMillis;
  private final int eventsMost;
  private final EventPage.Cursor cursor = new EventPage.Cursor();

  ExactWindows(ViewPlan plan) {
    this.aggregations = plan.aggregations();
    this.lengthsMillis = plan.finiteWindowsMillis();
    this.windows = lengthsMillis.length;
    this.eventsMost = plan.eventsMost();
  }

  @Override
  public EntityState newState() {
    Window[] all = new Window[aggregations.windowsMillis().length];
    for (int i = 0; i < all.length; i++) {
      all[i] = i < windows ? emptyWindow(i) : ViewPlan.allTime(aggregations, i);
    }
    return new EntityState(all, new Pages(emptyPage()), new EntityState.Level[0]);
  }

  private Window emptyWindow(int window) {
    Accumulator[] accumulators = aggregations.empty(window);
    Accumulator[] spare = aggregations.empty(window);
    @Nullable Accumulator[] rest = new Accumulator[accumulators.length];
    for (int a = 0; a < rest.length; a++) {
      rest[a] = accumulators[a].removes() ? null : spare[a];
    }
    return new Window(accumulators, rest);
  }

  private EventPage emptyPage() {
    return new EventPage(aggregations.numberColumns(), aggregations.objectColumns());
  }

  @Override
  public void moveTo(EntityState state, long atMillis, EntityStore store) {
    if (atMillis < state.windowsAtMillis) {
      rebuild(state, atMillis, store);
    } else {
      for (int i = 0; i < windows; i++) {
        long throughMillis = atMillis - lengthsMillis[i];
        if (state.windows[i].first <= throughMillis) {
          leave(state, i, throughMillis, store);
        }
      }
    }
    state.windowsAtMillis = atMillis;
  }

  @Override
  public boolean full(EntityState state, long atMillis) {
    return windows > 0
        && pages(state).events >= eventsMost
        && state.windows[windows - 1].first > atMillis - lengthsMillis[windows - 1];
  }

  @Override
  public void add(EntityState state, EventView event, EntityStore store) {
    long timeMillis = event.timeMillis();
    if (windows == 0 || timeMillis <= state.windowsAtMillis - lengthsMillis[windows - 1]) {
      return;
    }
    Pages pages = pages(state);
    if (pages.newest.size() >= EventPage.FULL) {
      beginPage(pages, store);
    }
    long id = pages.newestId;
    EventPage page = pages.newest;
    while (id != pages.firstId && belongsBefore(event, page, pages)) {
      id = page.before;
      page = page(pages, id, store);
    }
    page.add(event);
    pages.events++;
    if (id != pages.newestId) {
      pages.storedThroughMillis = Math.max(pages.storedThroughMillis, timeMillis);
    }
    for (int i = 0; i < windows; i++) {
      if (timeMillis > state.windowsAtMillis - lengthsMillis[i]) {
        enter(state, i, event, id, store);
      }
    }
    if (id != pages.newestId) {
      if (page.size() >= EventPage.SPLIT) {
        split(state, id, page, store);
      } else {
        store.putPage(id, page);
      }
    }
  }

  private static boolean belongsBefore(EventView event, EventPage page, Pages pages) {
    return page.size() == 0
        ? event.timeMillis() <= pages.storedThroughMillis
        : page.isBefore(event, 0);
  }

  private void enter(EntityState state, int i, EventView event, long pageId, EntityStore store) {
    Window window = state.windows[i];
    for (Accumulator accumulator : window.accumulators) {
      accumulator.add(event);
    }
    long timeMillis = event.timeMillis();
    boolean first =
        timeMillis < window.first
            || (timeMillis == window.first
                && pageId != window.tailPage
                && page(pages(state), window.tailPage, store).isBefore(event, 0));
    if (first) {
      boolean sameTail = window.first != Window.NOTHING && pageId == window.tailPage;
      window.first = timeMillis;
      window.tailPage = pageId;
      if (!sameTail) {
        foldRest(state, window, store);
      }
    } else if (pageId != window.tailPage) {
      for (Accumulator rest : window.rest) {
        if (rest != null) {
          rest.add(event);
        }
      }
    }
    refoldStale(state, window, store);
  }

  /** Lets the window's events at or before the given time go. */
  private void leave(EntityState state, int i, long throughMillis, EntityStore store) {
    Window window = state.windows[i];
    Pages pages = pages(state);
    if (throughMillis >= state.eventTimeMillis) {
      clear(window, i);
      if (i == windows - 1) {
        pages.events = 0;
      }
      return;
    }
    long tailBefore = window.tailPage;
    EventPage page = page(pages, window.tailPage, store);
    int at = page.firstAfter(window.first - 1);
    int left = 0;
    while (true) {
      int end = page.firstAfter(throughMillis);
      left += Math.max(0, end - at);
      for (; at < end; at++) {
        cursor.at(page, at);
        for (Accumulator accumulator : window.accumulators) {
          if (accumulator.removes()) {
            accumulator.remove(cursor);
          }
        }
      }
      if (end < page.size()) {
        window.first = page.timeMillis(end);
        break;
      }
      window.tailPage = page.after;
      page = page(pages, window.tailPage, store);
      at = 0;
    }
    if (i == windows - 1) {
      pages.events -= left;
    }
    if (window.tailPage != tailBefore) {
      foldRest(state, window, store);
    }
    addTailToRest(window, page);
    refoldStale(state, window, store);
  }

  private void clear(Window window, int i) {
    Window empty = emptyWindow(i);
    System.arraycopy(empty.accumulators, 0, window.accumulators, 0, empty.accumulators.length);
    System.arraycopy(empty.rest, 0, window.rest, 0, empty.rest.length);
    window.first = Window.NOTHING;
  }

  /** What cannot remove: all pages after the window's first one, without its first one. */
  private void foldRest(EntityState state, Window window, EntityStore store) {
    boolean any = false;
    for (Accumulator rest : window.rest) {
      if (rest != null) {
        rest.beginFold();
        any = true;
      }
    }
    if (!any) {
      return;
    }
    Pages pages = pages(state);
    for (long id = window.tailPage; id != pages.newestId; ) {
      id = page(pages, id, store).after;
      EventPage page = page(pages, id, store);
      for (int at = 0; at < page.size(); at++) {
        cursor.at(page, at);
        for (Accumulator rest : window.rest) {
          if (rest != null) {
            rest.add(cursor);
          }
        }
      }
    }
    for (Accumulator rest : window.rest) {
      if (rest != null) {
        rest.endFold();
      }
    }
  }

  private void addTailToRest(Window window, EventPage tail) {
    for (int a = 0; a < window.rest.length; a++) {
      Accumulator rest = window.rest[a];
      if (rest != null) {
        Accumulator whole = rest.copy();
        for (int at = tail.firstAfter(window.first - 1); at < tail.size(); at++) {
          whole.add(cursor.at(tail, at));
        }
        window.accumulators[a] = whole;
      }
    }
  }

  private void refoldStale(EntityState state, Window window, EntityStore store) {
    for (Accumulator accumulator : window.accumulators) {
      if (accumulator.stale()) {
        refold(state, window, store);
        return;
      }
    }
  }

  /** Folds those that are stale over all events of the window. */
  private void refold(EntityState state, Window window, EntityStore store) {
    List<Accumulator> stale = new ArrayList<>();
    for (Accumulator accumulator : window.accumulators) {
      if (accumulator.stale()) {
        accumulator.beginFold();
        stale.add(accumulator);
      }
    }
    Pages pages = pages(state);
    long id = window.tailPage;
    EventPage page = page(pages, id, store);
    int at = page.firstAfter(window.first - 1);
    while (!stale.isEmpty()) {
      for (; at < page.size() && !stale.isEmpty(); at++) {
        cursor.at(page, at);
        for (int i = stale.size() - 1; i >= 0; i--) {
          Accumulator accumulator = stale.get(i);
          accumulator.add(cursor);
          if (accumulator.foldIsFull()) {
            // The first events of many are enough for those that want the first.
            accumulator.endFold();
            Accumulator unusedDone = stale.remove(i);
          }
        }
      }
      if (id == pages.newestId) {
        break;
      }
      id = page.after;
      page = page(pages, id, store);
      at = 0;
    }
    stale.forEach(Accumulator::endFold);
  }

  /** Folds every window anew at the given time, in one pass over all pages. */
  private void rebuild(EntityState state, long atMillis, EntityStore store) {
    Pages pages = pages(state);
    for (int i = 0; i < windows; i++) {
      clear(state.windows[i], i);
      for (Accumulator accumulator : state.windows[i].accumulators) {
        accumulator.beginFold();
      }
    }
    pages.events = 0;
    long id = pages.firstId;
    while (true) {
      EventPage page = page(pages, id, store);
      for (int at = 0; at < page.size(); at++) {
        cursor.at(page, at);
        for (int i = 0; i < windows; i++) {
          if (page.timeMillis(at) > atMillis - lengthsMillis[i]) {
            fold(state.windows[i], id, page.timeMillis(at));
            pages.events += i == windows - 1 ? 1 : 0;
          }
        }
      }
      if (id == pages.newestId) {
        break;
      }
      id = page.after;
    }
    for (int i = 0; i < windows; i++) {
      for (Accumulator accumulator : state.windows[i].accumulators) {
        accumulator.endFold();
      }
    }
  }

  /** The cursor's event, the next of a window in order. */
  private void fold(Window window, long pageId, long timeMillis) {
    if (window.first == Window.NOTHING) {
      window.first = timeMillis;
      window.tailPage = pageId;
    }
    for (Accumulator accumulator : window.accumulators) {
      accumulator.add(cursor);
    }
    if (pageId != window.tailPage) {
      for (Accumulator rest : window.rest) {
        if (rest != null) {
          rest.add(cursor);
        }
      }
    }
  }

  private void beginPage(Pages pages, EntityStore store) {
    EventPage full = pages.newest;
    long id = pages.nextId++;
    full.after = id;
    pages.storedThroughMillis =
        Math.max(pages.storedThroughMillis, full.timeMillis(full.size() - 1));
    store.putPage(pages.newestId, full);
    EventPage page = emptyPage();
    page.before = pages.newestId;
    pages.newest = page;
    pages.newestId = id;
  }

  /** Late events have filled a page that is not the newest. */
  private void split(EntityState state, long id, EventPage page, EntityStore store) {
    Pages pages = pages(state);
    EventPage second = page.splitHalf();
    long secondId = pages.nextId++;
    second.before = id;
    second.after = page.after;
    page.after = secondId;
    if (second.after == pages.newestId) {
      pages.newest.before = secondId;
    } else {
      EventPage next = page(pages, second.after, store);
      next.before = secondId;
      store.putPage(second.after, next);
    }
    store.putPage(id, page);
    store.putPage(secondId, second);
    for (int i = 0; i < windows; i++) {
      Window window = state.windows[i];
      if (window.first != Window.NOTHING && window.tailPage == id) {
        if (page.timeMillis(page.size() - 1) < window.first) {
          window.tailPage = secondId;
        } else {
          foldRest(state, window, store);
        }
      }
    }
  }

  @Override
  public long nextExitMillis(EntityState state) {
    long next = Long.MAX_VALUE;
    for (int i = 0; i < windows; i++) {
      if (state.windows[i].first != Window.NOTHING) {
        next = Math.min(next, state.windows[i].first + lengthsMillis[i]);
      }
    }
    return next;
  }

  @Override
  public boolean empty(EntityState state) {
    return windows == 0 || state.windows[windows - 1].first == Window.NOTHING;
  }

  @Override
  public void evict(EntityState state, EntityStore store) {
    if (windows == 0 || state.windowsAtMillis != state.timeMillis) {
      return;
    }
    Pages pages = pages(state);
    Window longest = state.windows[windows - 1];
    long keep = longest.first == Window.NOTHING ? pages.newestId : longest.tailPage;
    while (pages.firstId != keep) {
      long after = page(pages, pages.firstId, store).after;
      store.removePage(pages.firstId);
      pages.firstId = after;
    }
    if (pages.firstId == pages.newestId) {
      pages.newest.evictThrough(state.timeMillis - lengthsMillis[windows - 1]);
    }
  }

  private static Pages pages(EntityState state) {
    return Objects.requireNonNull(state.pages, "the state of an exact view has pages");
  }

  private static EventPage page(Pages pages, long id, EntityStore store) {
    if (id == pages.newestId) {
      return pages.newest;
    }
    EventPage page = store.page(id);
    if (page == null) {
      throw new IllegalStateException(
          "Cannot read page " + id + " of an entity's events: it is not in the state");
    }
    return page;
  }
}
