package dev.millrace.core.feature;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Every function in exact and tiled views equals its definition, whatever way events take. */
class AggregationsOracleTest {

  private static final long SECOND = 1000;
  private static final Duration SHORT = Duration.ofMinutes(1);
  private static final Duration LONG = Duration.ofMinutes(10);
  private static final long LONGEST_MILLIS = LONG.toMillis();

  /** How a stream's values are drawn. */
  private enum Shape {
    SMALL,
    WIDE,
    EQUAL,
    TIMESTAMPS,
    RISING
  }

  @Test
  void exactWindowsHoldWhileEventsComeAndGo() {
    Random random = new Random(11);
    int folds = 0;
    for (int stream = 0; stream < 10; stream++) {
      Shape shape = Shape.values()[stream % Shape.values().length];
      folds += runExact(random, shape, stream % 3 == 0 ? 400 : 120, stream % 2 == 0);
    }
    assertThat(folds).as("windows that were folded anew").isPositive();
  }

  private static int runExact(Random random, Shape shape, int size, boolean disorder) {
    FeatureView view = WholeView.view(FeatureView.Accuracy.EXACT, SHORT, LONG);
    Aggregations plan = Aggregations.of(view);
    long[] windows = plan.windowsMillis();
    Window[] states = new Window[windows.length];
    for (int w = 0; w < windows.length; w++) {
      states[w] = new Window(plan, w);
    }
    List<RawEvent> events = new ArrayList<>();
    long time = 1_750_000_000_000L;
    for (int i = 0; i < size; i++) {
      // Bursts, so that the long window grows beyond what bands hold, and gaps that empty all.
      time += random.nextInt(60) == 0 ? random.nextInt(900) * SECOND : random.nextInt(2000);
      long eventTime = disorder ? time - random.nextInt(90) * SECOND / 10 : time;
      RawEvent event = event(random, shape, i, eventTime);
      events.add(event);
      long now = events.stream().mapToLong(RawEvent::timeMillis).max().orElseThrow();
      for (Window state : states) {
        state.accept(event, now);
      }
      if (random.nextInt(40) == 0) {
        check(view, plan, states, events, now, random);
      }
    }
    int folds = 0;
    for (Window state : states) {
      folds += state.folds;
    }
    return folds;
  }

  private static void check(
      FeatureView view,
      Aggregations plan,
      Window[] states,
      List<RawEvent> events,
      long now,
      Random random) {
    @Nullable Object[] values = new Object[plan.features()];
    for (Window state : states) {
      Accumulator[] parts = state.parts(random);
      if (random.nextInt(4) == 0) {
        parts = again(parts);
      }
      plan.read(state.window, parts, now, values);
    }
    compare(view, events, now, values, 200);
  }

  private static void compare(
      FeatureView view,
      List<RawEvent> events,
      long now,
      @Nullable Object[] values,
      int exactQuantilesUpTo) {
    for (int f = 0; f < values.length; f++) {
      Feature feature = view.features().get(f);
      List<RawEvent> inside = inside(feature, events, now);
      if (feature.function() == Feature.Function.PERCENTILE
          && view.accuracy() == FeatureView.Accuracy.TILED
          && NaiveAggregation.numbers("x", inside).size() > exactQuantilesUpTo) {
        continue;
      }
      Object expected = NaiveAggregation.value(feature, inside, now);
      assertThat(same(feature, values[f], expected))
          .as("%s: %s instead of %s", feature.name(), values[f], expected)
          .isTrue();
    }
  }

  private static List<RawEvent> inside(Feature feature, List<RawEvent> events, long now) {
    Duration window = feature.window();
    return window == null
        ? events
        : events.stream().filter(e -> e.timeMillis() > now - window.toMillis()).toList();
  }

  /** Bit for bit, but for statistics that are rounded more than once. */
  private static boolean same(Feature feature, @Nullable Object value, @Nullable Object expected) {
    if (value instanceof Double a && expected instanceof Double b) {
      return switch (feature.function()) {
        case SUM, MIN, MAX, FIRST, LAST, PERCENTILE, DELTA -> a.equals(b);
        case DECAYED_SUM, DECAYED_MEAN -> Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(b), 1e13);
        default -> Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(b), 1);
      };
    }
    if (value instanceof Map<?, ?> a && expected instanceof Map<?, ?> b) {
      return List.copyOf(a.keySet()).equals(List.copyOf(b.keySet()))
          && a.keySet().stream().allMatch(key -> same(feature, a.get(key), b.get(key)));
    }
    return value == null ? expected == null : value.equals(expected);
  }

  @Test
  void tilesMergeToTheSameWindowInAnyOrder() {
    Random random = new Random(12);
    FeatureView view = WholeView.view(FeatureView.Accuracy.TILED, SHORT, LONG);
    Aggregations plan = Aggregations.of(view);
    for (int stream = 0; stream < 10; stream++) {
      Shape shape = Shape.values()[stream % Shape.values().length];
      long start = 1_750_000_000_000L;
      List<RawEvent> events = new ArrayList<>();
      int size = random.nextInt(300);
      for (int i = 0; i < size; i++) {
        events.add(event(random, shape, i, start + random.nextInt((int) LONGEST_MILLIS)));
      }
      long now = start + LONGEST_MILLIS - 1;
      for (int order = 0; order < 2; order++) {
        Collections.shuffle(events, random);
        compare(view, events, now, tiled(plan, events, now, random), 200);
      }
    }
  }

  private static @Nullable Object[] tiled(
      Aggregations plan, List<RawEvent> events, long now, Random random) {
    @Nullable Object[] values = new Object[plan.features()];
    long[] windows = plan.windowsMillis();
    for (int w = 0; w < windows.length; w++) {
      Accumulator[] parts = plan.empty(w);
      if (windows[w] == Aggregations.ALL_TIME) {
        addAll(plan, parts, events);
      } else {
        long from = now - windows[w];
        List<List<RawEvent>> tiles = split(events, 1 + random.nextInt(8), random);
        for (List<RawEvent> tile : tiles) {
          Accumulator[] tileParts = plan.emptyTile();
          addAll(plan, tileParts, tile.stream().filter(e -> e.timeMillis() > from).toList());
          plan.mergeTile(w, parts, random.nextBoolean() ? again(tileParts) : tileParts);
        }
      }
      plan.read(w, parts, now, values);
    }
    return values;
  }

  private static List<List<RawEvent>> split(List<RawEvent> events, int parts, Random random) {
    List<List<RawEvent>> split = new ArrayList<>();
    for (int i = 0; i < parts; i++) {
      split.add(new ArrayList<>());
    }
    for (RawEvent event : events) {
      split.get(random.nextInt(parts)).add(event);
    }
    return split;
  }

  private static void addAll(Aggregations plan, Accumulator[] parts, List<RawEvent> events) {
    for (RawEvent event : events) {
      EventView view = event.view(plan.columns());
      for (Accumulator part : parts) {
        part.add(view);
      }
    }
  }

  private static Accumulator[] again(Accumulator[] parts) {
    Accumulator[] again = new Accumulator[parts.length];
    for (int i = 0; i < parts.length; i++) {
      byte[] bytes = Written.bytes(parts[i]);
      again[i] = Written.read(bytes);
      if (!(parts[i] instanceof FrequentItems) && !(parts[i] instanceof HllCount)) {
        assertThat(Written.bytes(again[i])).isEqualTo(bytes);
      }
    }
    return again;
  }

  private static RawEvent event(Random random, Shape shape, int i, long time) {
    Map<String, Object> fields = new HashMap<>();
    if (random.nextInt(10) > 0) {
      fields.put("x", number(random, shape, i));
    }
    if (random.nextInt(10) > 0) {
      fields.put("y", random.nextInt(4) == 0 ? 0.0 : random.nextGaussian());
    }
    if (random.nextInt(10) > 0) {
      String[] texts = {"", "a", "A", "ı", "İ", "ß", "\ud83d\ude80", "日本", "a b", "~"};
      fields.put("s", texts[random.nextInt(texts.length)]);
    }
    if (random.nextInt(10) > 0) {
      fields.put("n", random.nextInt(3) == 0 ? Long.MAX_VALUE : random.nextInt(12) - 5L);
    }
    if (random.nextInt(10) > 0) {
      fields.put("b", random.nextBoolean());
    }
    return new RawEvent(time, i % 3, i / 3, fields);
  }

  private static double number(Random random, Shape shape, int i) {
    return switch (shape) {
      case SMALL -> random.nextInt(5) == 0 ? (random.nextBoolean() ? 0.0 : -0.0) : round(random);
      case WIDE -> random.nextGaussian() * Math.pow(10, random.nextInt(24) - 12);
      case EQUAL -> 0.1;
      case TIMESTAMPS -> 1_750_000_000_000.0 + random.nextInt(1000);
      case RISING -> i * 0.5;
    };
  }

  private static double round(Random random) {
    return Math.rint(random.nextGaussian() * 100) / 100;
  }

  /** A window as an owner keeps it: each event goes in, and out when it is too old. */
  private static final class Window {
    final Aggregations plan;
    final int window;
    final long millis;
    final Accumulator[] kept;
    final List<RawEvent> inside = new ArrayList<>();
    int folds;

    Window(Aggregations plan, int window) {
      this.plan = plan;
      this.window = window;
      this.millis = plan.windowsMillis()[window];
      this.kept = plan.empty(window);
    }

    void accept(RawEvent event, long now) {
      long through = millis == Aggregations.ALL_TIME ? Long.MIN_VALUE : now - millis;
      if (event.timeMillis() > through) {
        inside.add(event);
        EventView view = event.view(plan.columns());
        for (int i = 0; i < kept.length; i++) {
          if (kept[i].removes() || millis == Aggregations.ALL_TIME) {
            kept[i].add(view);
          }
        }
      }
      List<RawEvent> leaving =
          inside.stream()
              .filter(e -> e.timeMillis() <= through)
              .sorted(NaiveAggregation.ORDER)
              .toList();
      inside.removeAll(leaving);
      for (RawEvent old : leaving) {
        EventView view = old.view(plan.columns());
        for (Accumulator part : kept) {
          if (part.removes()) {
            part.remove(view);
          }
        }
      }
      fold();
    }

    private void fold() {
      for (Accumulator part : kept) {
        if (part.stale()) {
          folds++;
          part.beginFold();
          inside.forEach(e -> part.add(e.view(plan.columns())));
          part.endFold();
          assertThat(part.stale()).isFalse();
        }
      }
    }

    /** Those that do not remove are merged from parts. */
    Accumulator[] parts(Random random) {
      Accumulator[] parts = kept.clone();
      for (int i = 0; i < parts.length; i++) {
        if (!parts[i].removes() && millis != Aggregations.ALL_TIME) {
          parts[i] = plan.empty(window)[i];
          for (List<RawEvent> page : split(inside, 3, random)) {
            Accumulator merged = plan.empty(window)[i];
            page.forEach(e -> merged.add(e.view(plan.columns())));
            parts[i].merge(merged);
          }
        }
      }
      return parts;
    }
  }
}
