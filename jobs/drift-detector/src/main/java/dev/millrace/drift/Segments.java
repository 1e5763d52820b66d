package dev.millrace.drift;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The segments of one window, as {@code field=value}. A window tells the 50 largest values of a
 * field apart and calls the rest other; while it is open it keeps some hundreds.
 */
final class Segments {

  static final int TOLD_MAX = 50;
  private static final int KEPT_MAX = 500;
  private static final String OTHER = "other";

  private final Map<String, Set<String>> kept = new HashMap<>();

  /** The segments of an event; null, for all events, is the first. */
  List<@Nullable String> of(DriftPlan plan, @Nullable String[] values) {
    List<@Nullable String> segments = new ArrayList<>(1 + values.length);
    segments.add(null);
    for (int i = 0; i < values.length; i++) {
      String value = values[i];
      if (value != null) {
        String field = plan.segments().get(i).field();
        Set<String> known = kept.computeIfAbsent(field, f -> new HashSet<>());
        if (known.size() >= KEPT_MAX && !known.contains(value)) {
          value = OTHER;
        }
        known.add(value);
        segments.add(field + "=" + value);
      }
    }
    return segments;
  }

  /**
   * By segment: what it is called, its own name or other.
   *
   * @param size how many events a segment has
   */
  static Map<String, String> told(Collection<String> segments, ToLongFunction<String> size) {
    Map<String, List<String>> byField = new HashMap<>();
    for (String segment : segments) {
      byField.computeIfAbsent(field(segment), f -> new ArrayList<>()).add(segment);
    }
    Map<String, String> told = new HashMap<>();
    byField.forEach(
        (field, all) -> {
          all.sort(
              Comparator.comparingLong((String s) -> -size.applyAsLong(s))
                  .thenComparing(Comparator.naturalOrder()));
          String other = field + "=" + OTHER;
          int toldApart = 0;
          for (String segment : all) {
            boolean apart = toldApart < TOLD_MAX && !segment.equals(other);
            toldApart += apart ? 1 : 0;
            told.put(segment, apart ? segment : other);
          }
        });
    return told;
  }

  private static String field(String segment) {
    return segment.substring(0, segment.indexOf('='));
  }
}
