package dev.millrace.core.catalog;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.pcollections.HashTreePSet;
import org.pcollections.PSet;

/**
 * Which versions have a tag, or are of a run: where a search for equal values begins, so that it
 * does not go over all versions of all models. It may name one that has changed meanwhile, and
 * never leaves one out. One thread changes it, many ask.
 */
public final class VersionIndex {

  private final Map<Entry, PSet<VersionPlace>> places = new ConcurrentHashMap<>();

  /** A tag's key, or null for a run; and its value. */
  private record Entry(@Nullable String tag, String value) {}

  public Set<VersionPlace> withTag(String key, String value) {
    return places.getOrDefault(new Entry(key, value), HashTreePSet.empty());
  }

  public Set<VersionPlace> ofRun(String run) {
    return places.getOrDefault(new Entry(null, run), HashTreePSet.empty());
  }

  /** Before the version is seen by others as it will be. */
  public void add(VersionPlace place, @Nullable VersionCard before, @Nullable VersionCard after) {
    Set<Entry> added = entries(after);
    added.removeAll(entries(before));
    added.forEach(
        entry ->
            places.merge(entry, HashTreePSet.singleton(place), (all, one) -> all.plusAll(one)));
  }

  /** After it is. */
  public void remove(
      VersionPlace place, @Nullable VersionCard before, @Nullable VersionCard after) {
    Set<Entry> removed = entries(before);
    removed.removeAll(entries(after));
    removed.forEach(
        entry ->
            places.computeIfPresent(
                entry,
                (same, all) -> {
                  PSet<VersionPlace> left = all.minus(place);
                  return left.isEmpty() ? null : left;
                }));
  }

  private static Set<Entry> entries(@Nullable VersionCard version) {
    Set<Entry> entries = new HashSet<>();
    if (version == null || version.deleted()) {
      return entries;
    }
    version.tags().forEach((key, value) -> entries.add(new Entry(key, value)));
    if (!version.runId().isEmpty()) {
      entries.add(new Entry(null, version.runId()));
    }
    return entries;
  }
}
