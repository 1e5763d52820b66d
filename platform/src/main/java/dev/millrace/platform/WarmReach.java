package dev.millrace.platform;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.feature.Aggregations;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.types.Conversions;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;

/**
 * Whether a view that begins in the middle of a stream can have what it would hold had it been
 * there from the beginning: its source's archive has to reach back as far as its windows do.
 */
public final class WarmReach {

  private static final String PARTITION = "_partition";
  private static final long MICROS_PER_MILLI = 1_000;

  /**
   * Refuses a view that cannot be warmed, before anything is stopped for it. Reads no events, only
   * the bounds of the archive's files, so that an archive which begins within a file of the time
   * needed passes here and is refused by the job.
   *
   * @throws IllegalStateException saying which view, why, and from when on it would work
   */
  public static void check(Target target, Project project, FeatureView view) {
    Source source = source(project, view);
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      TableIdentifier name = Warehouse.events(project.name(), source.name());
      Table table = catalog.tableExists(name) ? catalog.loadTable(name) : null;
      if (table == null || table.currentSnapshot() == null || ArchiveBegin.isWhole(table)) {
        return;
      }
      Map<Integer, Long> firsts = new TreeMap<>();
      long newestMillis = Long.MIN_VALUE;
      try (CloseableIterable<FileScanTask> files =
          table.newScan().includeColumnStats().planFiles()) {
        for (FileScanTask task : files) {
          newestMillis = Math.max(newestMillis, add(task.file(), table, source, firsts));
        }
      }
      if (!firsts.isEmpty()) {
        long unusedBeginMillis =
            beginMillis(
                view, source, firsts, newestMillis - source.maxOutOfOrderness().toMillis() - 1);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "Cannot plan a read of the archive of source " + source.name(), e);
    }
  }

  /**
   * The source of a view that can be warmed.
   *
   * @throws IllegalStateException where there is no archive to warm it from
   */
  public static Source source(Project project, FeatureView view) {
    Source source = project.source(view.source()).orElseThrow();
    if (source.kind() != Source.Kind.KAFKA) {
      throw new IllegalStateException(
          "Cannot warm view %s: %s; only views on Kafka sources are warmed so far"
              .formatted(
                  view.name(),
                  source.kind() == Source.Kind.VIEW
                      ? "its events are the rows of view " + source.name()
                      : "its source "
                          + source.name()
                          + " is a table or files, which has no archive"));
    }
    if (!source.archive()) {
      throw new IllegalStateException(
          "Cannot warm view %s: its source %s has no archive to compute it from; set archive: true, apply, and apply the view once the archive reaches back as far as its windows"
              .formatted(view.name(), source.name()));
    }
    return source;
  }

  /**
   * From which T on the rows of a view can be computed from an archive that is not whole.
   *
   * @param firstMillis by partition, the event time at which the archive begins
   * @param watermarkMillis of the job that the view joins
   * @throws IllegalStateException where that is later than rows the job still may give
   */
  public static long beginMillis(
      FeatureView view, Source source, Map<Integer, Long> firstMillis, long watermarkMillis) {
    long archiveMillis =
        firstMillis.values().stream().mapToLong(Long::longValue).max().orElseThrow();
    long windowMillis = windowMillis(view);
    if (windowMillis == Aggregations.ALL_TIME) {
      throw new IllegalStateException(
          "Cannot warm view %s: it has a feature without a window, which needs every event since topic %s began, and the archive of %s begins at %s (partitions %s); give the feature a window"
              .formatted(
                  view.name(),
                  source.topic(),
                  source.name(),
                  Instant.ofEpochMilli(archiveMillis),
                  firstMillis.keySet()));
    }
    long latenessMillis = view.allowedLateness().toMillis();
    long leadMillis =
        windowMillis
            + source.maxOutOfOrderness().toMillis()
            + latenessMillis
            + source.dedupWindow().toMillis();
    long neededMillis = watermarkMillis - latenessMillis - leadMillis;
    if (archiveMillis > neededMillis) {
      throw new IllegalStateException(
          "Cannot warm view %s: at %s, where the pipeline is, its windows need events since %s, and the archive of %s begins at %s (partitions %s); apply again when the pipeline has reached %s, or shorten the windows"
              .formatted(
                  view.name(),
                  Instant.ofEpochMilli(watermarkMillis),
                  Instant.ofEpochMilli(neededMillis),
                  source.name(),
                  Instant.ofEpochMilli(archiveMillis),
                  firstMillis.keySet(),
                  Instant.ofEpochMilli(watermarkMillis + (archiveMillis - neededMillis))));
    }
    return archiveMillis + leadMillis;
  }

  /** The longest window, with what a tiled one may hold beyond its end. */
  public static long windowMillis(FeatureView view) {
    long[] windows = Aggregations.of(view).windowsMillis();
    long longest = windows[windows.length - 1];
    return longest == Aggregations.ALL_TIME || view.accuracy() == FeatureView.Accuracy.EXACT
        ? longest
        : longest + longest / 64;
  }

  /** Takes a file's beginning for that of each partition it may hold; gives its end. */
  private static long add(
      DataFile file, Table table, Source source, Map<Integer, Long> firstMillis) {
    Types.NestedField time = table.schema().findField(source.eventTime());
    Types.NestedField partition = table.schema().findField(PARTITION);
    Number first = bound(file.lowerBounds(), time);
    Number last = bound(file.upperBounds(), time);
    Number lowest = bound(file.lowerBounds(), partition);
    Number highest = bound(file.upperBounds(), partition);
    if (first == null || last == null || lowest == null || highest == null) {
      return Long.MIN_VALUE;
    }
    for (int p = lowest.intValue(); p <= highest.intValue(); p++) {
      firstMillis.merge(p, Math.floorDiv(first.longValue(), MICROS_PER_MILLI), Math::min);
    }
    return Math.floorDiv(last.longValue(), MICROS_PER_MILLI);
  }

  private static @Nullable Number bound(
      @Nullable Map<Integer, ByteBuffer> bounds, Types.NestedField field) {
    ByteBuffer bound = bounds == null ? null : bounds.get(field.fieldId());
    return bound == null
        ? null
        : (Number) Objects.requireNonNull(Conversions.fromByteBuffer(field.type(), bound));
  }

  private WarmReach() {}
}
