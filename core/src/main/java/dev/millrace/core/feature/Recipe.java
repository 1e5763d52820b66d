package dev.millrace.core.feature;

import dev.millrace.core.definition.Feature;
import java.io.Serializable;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What one accumulator is made from, but for how much it must hold: features that need equal ones
 * share one that holds the most.
 *
 * @param column among the number columns, or among the object columns; -1 where it has none
 * @param number which of the two
 * @param p of a percentile
 * @param size of a sketch
 * @param plugin of a user's function
 */
record Recipe(
    Kind kind,
    int column,
    boolean number,
    double p,
    int size,
    long halfLifeMillis,
    List<Double> edges,
    Feature.@Nullable Plugin plugin)
    implements Serializable {

  enum Kind {
    EVENTS,
    MOMENTS,
    LEAST,
    GREATEST,
    RANK,
    QUANTILES,
    FIRST,
    LAST,
    LAST_DISTINCT,
    VALUES,
    DISTINCT,
    FREQUENT,
    BINS,
    DECAYED,
    GROUPS,
    PLUGIN
  }

  static Recipe of(Kind kind, int column, boolean number) {
    return new Recipe(kind, column, number, 0, 0, 0, List.of(), null);
  }

  Recipe withP(double newP) {
    return new Recipe(kind, column, number, newP, size, halfLifeMillis, edges, plugin);
  }

  Recipe withSize(int newSize) {
    return new Recipe(kind, column, number, p, newSize, halfLifeMillis, edges, plugin);
  }

  Recipe withHalfLifeMillis(long newHalfLifeMillis) {
    return new Recipe(kind, column, number, p, size, newHalfLifeMillis, edges, plugin);
  }

  Recipe withEdges(List<Double> newEdges) {
    return new Recipe(kind, column, number, p, size, halfLifeMillis, List.copyOf(newEdges), plugin);
  }

  static Recipe of(Feature.Plugin plugin, int column, boolean number) {
    return new Recipe(Kind.PLUGIN, column, number, 0, 0, 0, List.of(), plugin);
  }

  private Feature.Plugin pluginOf() {
    return Objects.requireNonNull(plugin, "a recipe of kind PLUGIN has one");
  }

  /**
   * One accumulator's place.
   *
   * @param needed how much it must hold: the highest power of moments, the values of a list
   * @param inner of groups: what each group has
   */
  record Slot(Recipe recipe, int needed, List<Slot> inner) implements Serializable {

    Slot(Recipe recipe, int needed) {
      this(recipe, needed, List.of());
    }

    /**
     * @param further how many values it keeps beyond those needed, so that events can leave
     */
    Accumulator empty(int further) {
      int column = recipe.column;
      return switch (recipe.kind) {
        case EVENTS -> new EventCount(column);
        case MOMENTS -> new Moments(column, needed);
        case LEAST -> ValueBand.least(column, needed, further);
        case GREATEST -> ValueBand.greatest(column, needed, further);
        case RANK -> ValueBand.rank(column, recipe.p, further);
        case QUANTILES -> new KllQuantiles(column, recipe.size);
        case FIRST -> new TimeBand(column, recipe.number, true, needed, further);
        case LAST -> new TimeBand(column, recipe.number, false, needed, 0);
        case LAST_DISTINCT -> new LastDistinct(column, recipe.number, needed);
        case VALUES -> new ValueCounts(column, needed, further);
        case DISTINCT -> new HllCount(column);
        case FREQUENT -> new FrequentItems(column, recipe.size);
        case BINS ->
            new Bins(column, recipe.edges.stream().mapToDouble(Double::doubleValue).toArray());
        case DECAYED -> new DecayedSum(column, recipe.halfLifeMillis);
        case GROUPS -> groups(further);
        case PLUGIN -> PluginAggregate.of(recipe.pluginOf(), column, recipe.number);
      };
    }

    private Accumulator groups(int further) {
      Accumulator[] prototypes = new Accumulator[inner.size()];
      for (int i = 0; i < prototypes.length; i++) {
        prototypes[i] = inner.get(i).empty(further);
      }
      return new Grouped(recipe.column, needed, further, prototypes);
    }
  }
}
