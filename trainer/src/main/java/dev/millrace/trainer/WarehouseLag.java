package dev.millrace.trainer;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Model.Input;
import dev.millrace.core.definition.Model.Label;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.Warehouse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.TableIdentifier;
import org.jspecify.annotations.Nullable;

/**
 * Waits until the tables hold what the topics held: they lag by a checkpoint of the pipeline.
 *
 * <p>A table has reached a time when one of its files holds a row of that time or a later one,
 * which the bounds in its manifests say without reading it. A stream may have ended before that
 * time; so waiting also ends where no table that is behind has got anything new for a while.
 */
final class WarehouseLag {

  static final Duration PATIENCE_WITH_EVENTS = Duration.ofSeconds(60);

  /** Rows are written where a value changes: a quiet view need not have one of that time. */
  static final Duration PATIENCE_WITH_ROWS = Duration.ofSeconds(10);

  private static final long POLL_MILLIS = 500;

  /** Lets time pass. */
  interface Pause {
    void millis(long millis) throws InterruptedException;
  }

  private final Catalog catalog;
  private final Pause pause;
  private final LongSupplier clockNanos;
  private final Consumer<String> progress;

  WarehouseLag(Catalog catalog, Pause pause, LongSupplier clockNanos, Consumer<String> progress) {
    this.catalog = catalog;
    this.pause = pause;
    this.clockNanos = clockNanos;
    this.progress = progress;
  }

  private record Need(TableIdentifier table, String time, long millis) {}

  /** Waits for what the training set of a window reads. */
  void await(Project project, Model model, long endMillis) throws InterruptedException {
    Label label = model.label();
    List<Need> events = new ArrayList<>();
    List<Need> rows = new ArrayList<>();
    // Events may be out of order, so one of the window's end is not yet all of the window.
    project
        .source(model.source())
        .ifPresent(s -> events.add(need(project, s, endMillis + s.maxOutOfOrderness().toMillis())));
    if (label != null) {
      project
          .source(label.source())
          .ifPresent(s -> events.add(need(project, s, endMillis + label.labelWait().toMillis())));
    }
    for (Input input : model.inputs()) {
      if (input instanceof Input.OfView of) {
        project.featureView(of.view()).ifPresent(v -> rows.add(need(project, v, endMillis)));
      }
    }
    await(events, PATIENCE_WITH_EVENTS);
    await(rows.stream().distinct().toList(), PATIENCE_WITH_ROWS);
  }

  private static Need need(Project project, Source source, long millis) {
    return new Need(Warehouse.events(project.name(), source.name()), source.eventTime(), millis);
  }

  private static Need need(Project project, FeatureView view, long millis) {
    return new Need(Warehouse.features(project.name(), view.name()), "_time", millis);
  }

  private void await(List<Need> needs, Duration patience) throws InterruptedException {
    List<Need> left = new ArrayList<>(needs);
    Map<TableIdentifier, Long> snapshots = new HashMap<>();
    long newestNanos = clockNanos.getAsLong();
    boolean said = false;
    while (true) {
      boolean news = false;
      for (Need need : List.copyOf(left)) {
        WarehouseTable table = table(need);
        if (table == null) {
          continue;
        }
        Long before = snapshots.put(need.table(), table.snapshotId());
        if (before != null && before == table.snapshotId()) {
          continue;
        }
        news = true;
        if (table.rows(need.time(), need.millis() - 1, Long.MAX_VALUE) > 0) {
          left.remove(need);
        }
      }
      if (left.isEmpty()) {
        return;
      }
      if (news) {
        newestNanos = clockNanos.getAsLong();
      } else if (clockNanos.getAsLong() - newestNanos > patience.toNanos()) {
        progress.accept(
            "going on without %s: nothing new for %d s, has the stream ended?"
                .formatted(said(left), patience.toSeconds()));
        return;
      }
      if (!said) {
        progress.accept("waiting for " + said(left));
        said = true;
      }
      pause.millis(POLL_MILLIS);
    }
  }

  /** Null while the pipeline has not made the table. */
  private @Nullable WarehouseTable table(Need need) {
    return catalog.tableExists(need.table()) ? new WarehouseTable(catalog, need.table()) : null;
  }

  private static String said(List<Need> needs) {
    List<String> said = new ArrayList<>();
    for (Need need : needs) {
      said.add(need.table() + " up to " + Instant.ofEpochMilli(need.millis()));
    }
    return String.join(", ", said);
  }

  static WarehouseLag of(Catalog catalog, Consumer<String> progress) {
    return new WarehouseLag(catalog, TimeUnit.MILLISECONDS::sleep, System::nanoTime, progress);
  }
}
