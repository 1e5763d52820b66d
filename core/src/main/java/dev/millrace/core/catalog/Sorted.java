package dev.millrace.core.catalog;

import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Maps as states hold them: sorted, so that equal ones are written alike, and never changed. */
public final class Sorted {

  public static <K extends Comparable<K>, V> SortedMap<K, V> copy(@Nullable Map<K, V> map) {
    return Collections.unmodifiableSortedMap(map == null ? new TreeMap<>() : new TreeMap<>(map));
  }

  public static <K extends Comparable<K>, V> SortedMap<K, V> with(Map<K, V> map, K key, V value) {
    TreeMap<K, V> next = new TreeMap<>(map);
    next.put(key, value);
    return next;
  }

  public static <K extends Comparable<K>, V> SortedMap<K, V> without(Map<K, V> map, K key) {
    TreeMap<K, V> next = new TreeMap<>(map);
    next.remove(key);
    return next;
  }

  private Sorted() {}
}
