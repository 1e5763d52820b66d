package dev.millrace.drift.audit;

import dev.millrace.core.feature.Arrival;
import dev.millrace.core.row.Positions;
import dev.millrace.drift.audit.ArchivedEvents.Archived;
import dev.millrace.drift.audit.Audited.Difference;
import dev.millrace.drift.audit.Audited.Result;
import dev.millrace.platform.ArchivedValues;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.Expressions;
import org.jspecify.annotations.Nullable;

/**
 * Recomputes rows of one view from its source's archive and compares them, bit for bit, with what
 * was served. For one thread.
 *
 * <p>A difference is a mismatch only where nothing of the archive's reach, the entity's limits or
 * the order of partitions could explain it; else it is undecidable, with the reason. That is looked
 * into only where there is a difference, so a match costs one read of the entity's events.
 */
final class RowAudit {

  /**
   * How long after a prediction the pipeline must have added to the archive for a missing record to
   * be one that will not come: the timeout of a checkpoint, and a minute for clocks.
   */
  private static final long SETTLED_MILLIS = 180_000;

  private final AuditedView view;
  private final ArchivedEvents archive;
  private final AuditOptions options;
  private final Reproductions reproductions;
  private final CountedEvents counted;

  /**
   * When the archive of a partition begins, where that is not with the partition's first record.
   */
  private final Map<Integer, Long> beginnings = new HashMap<>();

  RowAudit(
      AuditedView view, ArchivedEvents archive, AuditOptions options, Reproductions reproductions) {
    this.view = view;
    this.archive = archive;
    this.options = options;
    this.reproductions = reproductions;
    this.counted = new CountedEvents(view);
  }

  /**
   * Audits a row.
   *
   * @param last whether this is the last try, after which the archive is waited for no longer
   * @param nowMillis the wall time
   * @return null where the archive has not come to the row yet
   */
  @Nullable Audited audit(AuditCase one, boolean last, long nowMillis) {
    Found found = new Found(one, nowMillis);
    if (!one.version().equals(view.version())) {
      return found.undecidable(
          "OTHER_DEFINITION: served by " + one.version() + ", applied is " + view.version());
    }
    if (view.unread() != null) {
      return found.undecidable(view.unread());
    }
    Snapshot snapshot = archive.look();
    if (snapshot == null) {
      return last ? found.undecidable("ARCHIVE_BEHIND: the archive is empty") : null;
    }
    found.snapshotId = snapshot.snapshotId();
    long firstMillis = view.firstMillis(one.timeMillis());
    List<Archived> read = read(one.entityKey(), firstMillis, one.timeMillis());
    if (read == null) {
      return found.undecidable(
          "TOO_MANY: more than " + options.eventsMost() + " events (millrace.audit.max-events)");
    }
    found.eventsRead = read.size();
    String missing = missing(one.positions(), read);
    if (missing != null && archive.appendedAtMillis() < one.scoredAtMillis() + SETTLED_MILLIS) {
      return last
          ? found.undecidable("ARCHIVE_BEHIND: the archive has not come to " + missing)
          : null;
    }
    return decide(one, found, read, firstMillis, missing);
  }

  /**
   * Compares the row with what its events give.
   *
   * @param firstMillis of the events that were read
   * @param missing the first of the row's positions that will not come; null where all are there
   */
  private Audited decide(
      AuditCase one, Found found, List<Archived> read, long firstMillis, @Nullable String missing) {
    CountedEvents.Found events = counted.of(read, one.entityKey(), one.positions(), firstMillis);
    @Nullable Object[] values = view.fold().values(events.arrivals(), one.timeMillis());
    found.compare(values);
    if (events.wantsMore() && !found.differences.isEmpty()) {
      List<Archived> all = read(one.entityKey(), Long.MIN_VALUE, one.timeMillis());
      if (all == null || !reaches(one.positions(), Long.MIN_VALUE)) {
        return found.undecidable("REPEATED_BEFORE: ids repeat where the archive cannot be read");
      }
      events = counted.of(all, one.entityKey(), one.positions(), Long.MIN_VALUE);
      values = view.fold().values(events.arrivals(), one.timeMillis());
      found.compare(values);
    }
    if (found.differences.isEmpty()) {
      return found.compared == 0
          ? found.undecidable("ESTIMATES: no feature has a value that can be compared")
          : found.result(Result.MATCH, null, null);
    }
    String doubt = events.doubt() != null ? events.doubt() : doubt(one, firstMillis, events);
    return doubt != null
        ? found.undecidable(doubt)
        : found.result(
            Result.MISMATCH,
            missing == null ? null : "ARCHIVE_LOST: the archive has no record at " + missing,
            reproductions.write(view, one, found.differences, events.arrivals(), values));
  }

  /** What is said of a row that could not be audited. */
  static Audited failed(AuditCase one, String why, long nowMillis) {
    return new Audited(
        one.predictionId(),
        one.model(),
        one.view(),
        one.entityKey(),
        one.timeMillis(),
        one.positions().toString(),
        one.version(),
        Result.UNDECIDABLE,
        "FAILED: " + why,
        0,
        List.of(),
        List.of(),
        0,
        null,
        null,
        nowMillis);
  }

  private @Nullable List<Archived> read(String entityKey, long firstMillis, long lastMillis) {
    Expression filter =
        Expressions.and(
            ArchivedEvents.between(view.timeField(), firstMillis, lastMillis), ofEntity(entityKey));
    return archive.read(view.schema(), view.fields(), filter, options.eventsMost());
  }

  /**
   * Where the keys are of plain types their values bound what is read; the rest is left out after.
   */
  private Expression ofEntity(String entityKey) {
    String[] parts = entityKey.split("~", -1);
    Expression filter = Expressions.alwaysTrue();
    if (parts.length != view.keyFields().size()) {
      return filter;
    }
    for (int i = 0; i < parts.length; i++) {
      String field = view.keyFields().get(i);
      Schema schema =
          ArchivedValues.withoutNull(view.schema().getFields().get(view.position(field)).schema());
      Object value = keyValue(parts[i], schema);
      if (value != null) {
        filter = Expressions.and(filter, Expressions.equal(field, value));
      }
    }
    return filter;
  }

  private static @Nullable Object keyValue(String part, Schema schema) {
    if (schema.getLogicalType() != null) {
      return null;
    }
    try {
      return switch (schema.getType()) {
        case STRING, ENUM ->
            part.replace("%7E", "~").replace("%7B", "{").replace("%7D", "}").replace("%25", "%");
        case INT -> Integer.valueOf(part);
        case LONG -> Long.valueOf(part);
        default -> null;
      };
    } catch (NumberFormatException e) {
      return null;
    }
  }

  /** The first of the row's positions that the archive has no record at; null where it has all. */
  private @Nullable String missing(Positions positions, List<Archived> read) {
    for (int i = 0; i < positions.size(); i++) {
      int partition = positions.partition(i);
      long offset = positions.offset(i);
      boolean there =
          read.stream().anyMatch(e -> e.partition() == partition && e.offset() == offset)
              || archive.has(partition, offset);
      if (!there) {
        return partition + ":" + offset;
      }
    }
    return null;
  }

  /** Why a difference says nothing; null where it says what it seems to. */
  private @Nullable String doubt(AuditCase one, long firstMillis, CountedEvents.Found events) {
    if (!reaches(one.positions(), firstMillis)) {
      return "ARCHIVE_YOUNG: the archive begins after the first event that the row may hold";
    }
    if (view.eventsMost() < Integer.MAX_VALUE) {
      // A refused event in the window was one too many for the window before it.
      long from =
          view.fold().hasAllTime()
              ? Long.MIN_VALUE
              : one.timeMillis() - 2 * view.fold().longestMillis();
      List<Archived> longer = read(one.entityKey(), from, one.timeMillis());
      if (longer == null
          || counted.of(longer, one.entityKey(), one.positions(), from).arrivals().size()
              >= view.eventsMost()) {
        return "MAX_EVENTS: the entity may have had more than " + view.eventsMost() + " events";
      }
    }
    return view.fold().hasAllTime() && rested(events.arrivals())
        ? "STATE_EXPIRED: the entity was without events for longer than the view's ttl"
        : null;
  }

  /** Whether the archive goes back to a time in each partition of the row. */
  private boolean reaches(Positions positions, long firstMillis) {
    for (int i = 0; i < positions.size(); i++) {
      if (!reaches(positions.partition(i), firstMillis)) {
        return false;
      }
    }
    return true;
  }

  private boolean reaches(int partition, long firstMillis) {
    Long beginning = beginnings.get(partition);
    if (beginning == null) {
      beginning =
          archive.has(partition, 0)
              ? (Long) Long.MIN_VALUE
              : (Long) archive.firstMillis(partition, view.timeField());
      if (beginning != Long.MAX_VALUE) {
        beginnings.put(partition, beginning);
      }
    }
    return beginning == Long.MIN_VALUE
        || (firstMillis != Long.MIN_VALUE && beginning <= firstMillis - view.lagMillis());
  }

  private boolean rested(List<Arrival> arrivals) {
    long[] times = arrivals.stream().mapToLong(Arrival::timeMillis).sorted().toArray();
    for (int i = 1; i < times.length; i++) {
      if (times[i] - times[i - 1] > view.ttlMillis()) {
        return true;
      }
    }
    return false;
  }

  /** What is known of one row by and by. */
  private final class Found {
    private final AuditCase one;
    private final long nowMillis;
    private final List<String> skipped = new ArrayList<>();
    private final List<Difference> differences = new ArrayList<>();
    private int compared;
    private long eventsRead;
    private @Nullable Long snapshotId;

    Found(AuditCase one, long nowMillis) {
      this.one = one;
      this.nowMillis = nowMillis;
    }

    void compare(@Nullable Object[] values) {
      compared = 0;
      skipped.clear();
      differences.clear();
      one.served()
          .forEach(
              (feature, served) -> {
                int at = view.features().indexOf(feature);
                if (view.fold().isEstimate(at)) {
                  skipped.add(feature);
                  return;
                }
                compared++;
                Double recomputed = number(values[at]);
                if (!same(served, recomputed)) {
                  differences.add(new Difference(feature, served, recomputed));
                }
              });
    }

    Audited undecidable(String reason) {
      return result(Result.UNDECIDABLE, reason, null);
    }

    Audited result(Result result, @Nullable String reason, @Nullable String reproduction) {
      return new Audited(
          one.predictionId(),
          one.model(),
          one.view(),
          one.entityKey(),
          one.timeMillis(),
          one.positions().toString(),
          one.version(),
          result,
          reason,
          compared,
          List.copyOf(skipped),
          List.copyOf(differences),
          eventsRead,
          snapshotId,
          reproduction,
          nowMillis);
    }
  }

  /** What a model gets of a value: true and false as 1 and 0. */
  static @Nullable Double number(@Nullable Object value) {
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    return value instanceof Boolean truth ? (Double) (truth ? 1.0 : 0.0) : null;
  }

  static boolean same(@Nullable Double one, @Nullable Double other) {
    return (one == null || other == null)
        ? one == null && other == null
        : Double.doubleToRawLongBits(one) == Double.doubleToRawLongBits(other);
  }
}
