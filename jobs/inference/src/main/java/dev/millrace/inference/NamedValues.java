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
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Some of the values of an array by names, in their order. Of many such maps the names are the
 * same, so one costs no more than itself: each prediction has one. Cannot be changed; the array is
 * its maker's, who leaves it alone.
 */
final class NamedValues<V extends @Nullable Object> extends AbstractMap<String, V> {

  /** Names, each once, and where their values are. */
  static final class Names {
    private final String[] inOrder;
    private final int[] at;
    private final int end;
    private final Map<String, Integer> places = new HashMap<>();

    /** Names of values that stand one behind the other. */
    Names(List<String> names) {
      this(names, IntStream.range(0, names.size()).toArray());
    }

    /**
     * Names of some values.
     *
     * @param at where each one's value is
     */
    Names(List<String> names, int[] at) {
      this.inOrder = names.toArray(new String[0]);
      this.at = at.clone();
      this.end = IntStream.of(at).map(place -> place + 1).max().orElse(0);
      for (int i = 0; i < inOrder.length; i++) {
        if (places.put(inOrder[i], at[i]) != null) {
          throw new IllegalArgumentException("Cannot tell two values apart: both are " + names);
        }
      }
    }

    /** The inputs of a plan that are single values. */
    static Names singles(InputPlan plan) {
      int[] at = IntStream.range(0, plan.inputs().size()).filter(i -> !plan.isVector(i)).toArray();
      return new Names(IntStream.of(at).mapToObj(i -> plan.inputs().get(i).name()).toList(), at);
    }
  }

  private final Names names;
  private final @Nullable Object[] values;
  private final int from;

  /**
   * Values by names.
   *
   * @param values each of type V where a name has its place
   * @param from where in the array the place 0 is
   */
  NamedValues(Names names, @Nullable Object[] values, int from) {
    this.names = names;
    this.values = values;
    this.from = from;
    if (from < 0 || from + names.end > values.length) {
      throw new IllegalArgumentException(
          "Cannot name %d values from %d on: there are %d"
              .formatted(names.end, from, values.length));
    }
  }

  // What is at a named place is a V, by the constructor's demand.
  @SuppressWarnings("unchecked")
  private V value(int place) {
    return (V) values[from + place];
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
    return place == null ? null : value(place);
  }

  @Override
  public void forEach(BiConsumer<? super String, ? super V> action) {
    for (int i = 0; i < names.inOrder.length; i++) {
      action.accept(names.inOrder[i], value(names.at[i]));
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
          return new SimpleImmutableEntry<>(names.inOrder[place], value(names.at[place]));
        }
      };
    }
  }
}
