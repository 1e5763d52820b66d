package dev.millrace.core.catalog;

import java.util.Map;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;
import org.pcollections.TreePMap;

/**
 * Maps as states hold them: sorted, so that equal ones are written alike, and never changed. One
 * that differs by an entry shares the rest, so that a change costs the same however large they are.
 */
public final class Sorted {

  public static <K extends Comparable<K>, V> SortedMap<K, V> copy(@Nullable Map<K, V> map) {
    return persistent(map);
  }

  public static <K extends Comparable<K>, V> SortedMap<K, V> with(Map<K, V> map, K key, V value) {
    return persistent(map).plus(key, value);
  }

  public static <K extends Comparable<K>, V> SortedMap<K, V> without(Map<K, V> map, K key) {
    return persistent(map).minus(key);
  }

  private static <K extends Comparable<K>, V> TreePMap<K, V> persistent(@Nullable Map<K, V> map) {
    if (map == null) {
      return TreePMap.empty();
    }
    // Others have orders of their own, and would have to be copied whole.
    return map instanceof TreePMap<K, V> same ? same : TreePMap.from(map);
  }

  private Sorted() {}
}
