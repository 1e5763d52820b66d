package dev.millrace.cli.explain;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.feature.ErrorBounds;
import dev.millrace.core.feature.EventLoad;
import dev.millrace.core.feature.ViewCost;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One view's cost, to be shown.
 *
 * @param sample the files that the load is from; null where it is supposed
 * @param note what a reader of the load has to know; may be empty
 */
record Explained(
    FeatureView view,
    EventLoad load,
    @Nullable String sample,
    String note,
    ViewCost cost,
    ErrorBounds bounds) {

  private static final double DAY_MILLIS = Duration.ofDays(1).toMillis();
  private static final double PERCENT = 100;

  private double eventsPerKeyPerDay() {
    double entityDays = load.entities().size() * (load.spanMillis() / DAY_MILLIS);
    return entityDays == 0 ? 0 : load.events() / entityDays;
  }

  private double refreshesPerDay() {
    return cost.refreshesPerKeyPerDay();
  }

  private boolean tiled() {
    return view.accuracy() == FeatureView.Accuracy.TILED;
  }

  private String accuracy() {
    return view.accuracy().name().toLowerCase(Locale.ROOT);
  }

  void print(PrintWriter out) {
    out.printf(
        Locale.ROOT,
        "%s  (%s, entity %s, %d features)%n",
        view.name(),
        accuracy(),
        view.entity().name(),
        view.features().size());
    line(
        out,
        "load",
        "%,d events of %,d keys in %s, %,.1f a key and day: %s%s",
        load.events(),
        cost.entities(),
        span(load.spanMillis()),
        eventsPerKeyPerDay(),
        sample == null ? "supposed" : "from " + sample,
        note.isEmpty() ? "" : "; " + note);
    if (!cost.whole()) {
      line(
          out,
          "",
          "it is shorter than the longest window (%s): state is a lower bound%s",
          span(view.longestWindow().toMillis()),
          sample == null ? "" : "; --events-per-key-per-day supposes a longer load");
    }
    line(out, "state a key", "%s", spread(cost.state(), " B"));
    line(
        out,
        "",
        "of it: header %,.0f, %s %,.0f, %sFlink's keys and timer %,.0f",
        cost.header().mean(),
        tiled() ? "closed tiles" : "older pages",
        cost.parts().mean(),
        cost.ids().max() == 0 ? "" : String.format(Locale.ROOT, "ids %,.0f, ", cost.ids().mean()),
        cost.flink().mean());
    printHeld(out);
    line(out, "work an event", "%s; %.0f steps of accumulators", work(cost.event()), cost.steps());
    printRefresh(out);
    line(out, "Redis a key", "%s", spread(cost.redis(), " characters"));
    printBounds(out);
  }

  private void printRefresh(PrintWriter out) {
    if (cost.refresh().reads() == 0) {
      // None came in the stretch that counts.
      line(out, "a refresh", "none seen; at most one in %s a key", span(view.refresh().toMillis()));
      return;
    }
    line(out, "a refresh", "%s; %,.0f a key and day", work(cost.refresh()), refreshesPerDay());
  }

  private void printHeld(PrintWriter out) {
    if (tiled()) {
      line(out, "tiles a key", "%s", spread(cost.partCount(), ""));
      return;
    }
    line(
        out,
        "events a key",
        "%s, of at most %,d",
        spread(cost.eventsHeld(), ""),
        view.maxEventsPerKey());
    if (cost.refused() > 0) {
      line(
          out,
          "",
          "%,d events are too many for a key: they become dead letters; raise max-events-per-key,"
              + " or take accuracy: tiled",
          cost.refused());
    }
  }

  private void printBounds(PrintWriter out) {
    if (bounds.none()) {
      line(out, "error", "none: windows have exact ends");
    }
    String name = "error";
    for (ErrorBounds.OfWindow window : bounds.windows()) {
      line(
          out,
          name,
          "window %s holds up to %s (%.2f %%) too much at its old end; at most %d tiles",
          span(window.length().toMillis()),
          span(window.hop().toMillis()),
          PERCENT * window.share(),
          window.tilesMost());
      name = "";
    }
    for (ErrorBounds.OfSketch sketch : bounds.sketches()) {
      line(out, name, "%s: %s", sketch.feature(), sketch.bound());
      name = "";
    }
  }

  private static void line(PrintWriter out, String name, String form, Object... values) {
    out.printf(Locale.ROOT, "  %-14s %s%n", name, String.format(Locale.ROOT, form, values));
  }

  private String work(ViewCost.Work work) {
    return String.format(
        Locale.ROOT,
        "%.2f reads and %.2f writes of state, %,.0f B written%s",
        work.reads(),
        work.writes(),
        work.bytesWritten(),
        tiled() ? String.format(Locale.ROOT, ", %.2f tiles merged", work.merges()) : "");
  }

  private static String spread(ViewCost.Spread spread, String unit) {
    return String.format(
        Locale.ROOT,
        "mean %,.0f%s, p99 %,d, max %,d",
        spread.mean(),
        unit,
        spread.p99(),
        spread.max());
  }

  /** In its largest unit, with a decimal where that is needed. */
  private static String span(long millis) {
    double value = millis;
    String unit = "ms";
    long[] sizes = {1_000, 60_000, 3_600_000, 86_400_000};
    String[] names = {"s", "m", "h", "d"};
    for (int i = 0; i < sizes.length; i++) {
      if (millis >= sizes[i]) {
        value = (double) millis / sizes[i];
        unit = names[i];
      }
    }
    String text = String.format(Locale.ROOT, "%.1f", value);
    return (text.endsWith(".0") ? text.substring(0, text.length() - 2) : text) + unit;
  }

  void fill(ObjectNode node) {
    node.put("view", view.name())
        .put("entity", view.entity().name())
        .put("accuracy", accuracy())
        .put("features", view.features().size());
    node.putObject("load")
        .put("kind", sample == null ? "supposed" : "sample")
        .put("sample", sample)
        .put("keys", cost.entities())
        .put("events", load.events())
        .put("span_ms", load.spanMillis())
        .put("events_per_key_per_day", eventsPerKeyPerDay())
        .put("longest_window_filled", cost.whole());
    fill(node.putObject("state_bytes_per_key"), cost.state());
    fill(node.putObject("header_bytes_per_key"), cost.header());
    fill(node.putObject("part_bytes_per_key"), cost.parts());
    fill(node.putObject("id_bytes_per_key"), cost.ids());
    fill(node.putObject("flink_bytes_per_key"), cost.flink());
    fill(node.putObject("parts_per_key"), cost.partCount());
    fill(node.putObject("events_per_key"), cost.eventsHeld());
    fill(node.putObject("redis_characters_per_key"), cost.redis());
    node.put("refused_events", cost.refused());
    fill(node.putObject("work_per_event"), cost.event());
    node.put("accumulator_steps_per_event", cost.steps());
    fill(node.putObject("work_per_refresh"), cost.refresh());
    node.put("refreshes_per_key_per_day", refreshesPerDay());
    ObjectNode error = node.putObject("error");
    ArrayNode windows = error.putArray("windows");
    for (ErrorBounds.OfWindow window : bounds.windows()) {
      windows
          .addObject()
          .put("window_ms", window.length().toMillis())
          .put("hop_ms", window.hop().toMillis())
          .put("share", window.share())
          .put("tiles_most", window.tilesMost());
    }
    ArrayNode sketches = error.putArray("sketches");
    for (ErrorBounds.OfSketch sketch : bounds.sketches()) {
      sketches.addObject().put("feature", sketch.feature()).put("bound", sketch.bound());
    }
  }

  private static void fill(ObjectNode node, ViewCost.Spread spread) {
    node.put("mean", spread.mean()).put("p99", spread.p99()).put("max", spread.max());
  }

  private static void fill(ObjectNode node, ViewCost.Work work) {
    node.put("state_reads", work.reads())
        .put("tiles_merged", work.merges())
        .put("state_writes", work.writes())
        .put("bytes_written", work.bytesWritten());
  }
}
