package dev.millrace.drift.audit;

import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.core.feature.Arrival;
import dev.millrace.core.row.EntityKeys;
import dev.millrace.core.row.Positions;
import dev.millrace.drift.audit.ArchivedEvents.Archived;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which of an archive's events count in a row: those of its entity at or before its positions that
 * the view's filter lets pass, that were not late for it, and whose id was not there before within
 * the dedup window. For one thread.
 */
final class CountedEvents {

  private static final String LATE = "LATE ";

  private final AuditedView view;
  private final @Nullable Expression filter;

  CountedEvents(AuditedView view) {
    this.view = view;
    String text = view.filter();
    this.filter =
        text == null
            ? null
            : Expression.compile(text, view.schema(), Expression.Type.BOOLEAN, Map.of());
    view.columns().open(view.schema());
  }

  /**
   * What was found.
   *
   * @param arrivals that count, in the order in which they may have been taken
   * @param doubt why other events might have counted than these; null where that is certain
   * @param wantsMore whether events before those that were read decide which of them count
   */
  record Found(List<Arrival> arrivals, @Nullable String doubt, boolean wantsMore) {}

  /**
   * The events that count.
   *
   * @param firstMillis of the events that were read; a repeat of an earlier one cannot be told
   */
  Found of(List<Archived> read, String entityKey, Positions positions, long firstMillis) {
    List<Archived> accepted = new ArrayList<>();
    Set<List<Long>> places = new HashSet<>();
    String doubt = null;
    for (Archived event : read) {
      if (positions.covers(event.partition(), event.offset()) && isAccepted(event, entityKey)) {
        accepted.add(event);
        if (!places.add(List.of((long) event.partition(), event.offset()))) {
          doubt =
              "TOPIC_ANEW: the archive holds two records at "
                  + event.partition()
                  + ":"
                  + event.offset();
        }
      }
    }
    // In a partition the order is that of the log; between partitions nobody knows.
    accepted.sort(Comparator.comparingLong(Archived::offset).thenComparing(Archived::partition));
    return view.dedupMillis() == 0
        ? new Found(accepted.stream().map(this::arrival).toList(), doubt, false)
        : withoutRepeats(accepted, firstMillis, doubt);
  }

  private boolean isAccepted(Archived event, String entityKey) {
    List<@Nullable Object> key = new ArrayList<>();
    for (String field : view.keyFields()) {
      key.add(event.values()[view.position(field)]);
    }
    return entityKey.equals(EntityKeys.join(key)) && !isLate(event.verdict()) && passes(event);
  }

  private boolean isLate(String verdict) {
    return verdict.startsWith(LATE)
        && List.of(verdict.substring(LATE.length()).split(",", -1)).contains(view.view());
  }

  private boolean passes(Archived event) {
    if (filter == null) {
      return true;
    }
    try {
      return Boolean.TRUE.equals(filter.evaluate(event.values()));
    } catch (ExpressionException e) {
      // A filter takes what cannot be computed as false.
      return false;
    }
  }

  private Found withoutRepeats(List<Archived> accepted, long firstMillis, @Nullable String before) {
    Map<String, Archived> seen = new HashMap<>();
    List<Arrival> arrivals = new ArrayList<>();
    String doubt = before;
    boolean wantsMore = false;
    for (Archived event : accepted) {
      String id = String.valueOf(event.values()[view.position(view.idField())]);
      Archived first = seen.get(id);
      boolean repeats =
          first != null && Math.abs(timeMillis(first) - timeMillis(event)) <= view.dedupMillis();
      if (first != null && first.partition() != event.partition()) {
        doubt = "REPEATED_ACROSS: id " + id + " is in two partitions, so which came first is open";
      }
      wantsMore |= repeats && timeMillis(event) < firstMillis + view.dedupMillis();
      if (!repeats) {
        seen.put(id, event);
        arrivals.add(arrival(event));
      }
    }
    return new Found(arrivals, doubt, wantsMore);
  }

  private long timeMillis(Archived event) {
    return (Long) event.values()[view.position(view.timeField())];
  }

  private Arrival arrival(Archived event) {
    return new Arrival(
        timeMillis(event),
        event.partition(),
        event.offset(),
        view.columns().of(event.values(), () -> {}),
        view.fold().aggregations().numberColumns());
  }
}
