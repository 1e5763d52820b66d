package dev.millrace.inference;

import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A part of an array by names, in their order. Of many such maps the names are the same, so one
 * costs no more than itself: each prediction has one. Cannot be changed; the array is its maker's,
 * who leaves it alone.
 */
final class NamedValues<V extends @Nullable Object> extends AbstractMap<String, V> {

  /** Names, each once. */
  static final class Names {
    private final String[] inOrder;
    private final Map<String, Integer> places = new HashMap<>();

    Names(List<String> names) {
      inOrder = names.toArray(new String[0]);
      for (int i = 0; i < inOrder.length; i++) {
        if (places.put(inOrder[i], i) != null) {
          throw new IllegalArgumentException("Cannot tell two values apart: both are " + names);
        }
      }
    }
  }

  private final Names names;
  private final V[] values;
  private final int from;

  /**
   * Values by names.
   *
   * @param from where in the array the first one's value is
   */
  NamedValues(Names names, V[] values, int from) {
    this.names = names;
    this.values = values;
    this.from = from;
    if (from < 0 || from + names.inOrder.length > values.length) {
      throw new IllegalArgumentException(
          "Cannot name %d values from %d on: there are %d"
              .formatted(names.inOrder.length, from, values.length));
    }
  }

  @Override
  public int size() {
    return names.inOrder.length;
  }

  @Override
  public boolean containsKey(@Nullable Object name) {
    return names.places.containsKey(name);
  }

  @Override
  public @Nullable V get(@Nullable Object name) {
    Integer place = names.places.get(name);
    return place == null ? null : values[from + place];
  }

  @Override
  public void forEach(BiConsumer<? super String, ? super V> action) {
    for (int i = 0; i < names.inOrder.length; i++) {
      action.accept(names.inOrder[i], values[from + i]);
    }
  }

  @Override
  public Set<Map.Entry<String, V>> entrySet() {
    return new Entries();
  }

  private final class Entries extends AbstractSet<Map.Entry<String, V>> {
    @Override
    public int size() {
      return names.inOrder.length;
    }

    @Override
    public Iterator<Map.Entry<String, V>> iterator() {
      return new Iterator<>() {
        private int next;

        @Override
        public boolean hasNext() {
          return next < names.inOrder.length;
        }

        @Override
        public Map.Entry<String, V> next() {
          if (!hasNext()) {
            throw new NoSuchElementException();
          }
          int place = next++;
          return new SimpleImmutableEntry<>(names.inOrder[place], values[from + place]);
        }
      };
    }
  }
}
