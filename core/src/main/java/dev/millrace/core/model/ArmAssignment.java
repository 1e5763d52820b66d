package dev.millrace.core.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which arm of an experiment a unit is in.
 *
 * <p>Weighted rendezvous hashing (Thaler and Ravishankar, "Using name-based mappings to increase
 * hit rates", 1998; weights as in Schindelhauer and Schomaker, "Weighted distributed hash tables",
 * 2005): a unit has a place u in [0, 1) for each arm, see {@link CanaryAssignment}, and is in the
 * arm with the largest -weight / ln(u). So a unit is always in the same arm, an arm has its share
 * of the units, and a share that changes moves only the units that it has to.
 */
public final class ArmAssignment {

  /** An arm, and the probability with which a unit is in it. */
  public record Arm(String name, double propensity) {}

  private final List<Arm> arms = new ArrayList<>();
  private final List<CanaryAssignment> places = new ArrayList<>();

  /**
   * The arms of an experiment with a model.
   *
   * @param weights by arm, not all 0
   */
  public ArmAssignment(String model, String experiment, Map<String, Integer> weights) {
    double sum = weights.values().stream().mapToInt(Integer::intValue).sum();
    for (Map.Entry<String, Integer> weight : new TreeMap<>(weights).entrySet()) {
      if (weight.getValue() > 0) {
        arms.add(new Arm(weight.getKey(), weight.getValue() / sum));
        places.add(new CanaryAssignment(model + "/" + experiment + "/" + weight.getKey()));
      }
    }
    if (arms.isEmpty()) {
      throw new IllegalArgumentException(
          "Cannot assign units to experiment " + experiment + ": no arm has a share");
    }
  }

  /** The arm that a unit is in. */
  public Arm of(String unit) {
    int best = 0;
    double most = -1;
    for (int i = 0; i < arms.size(); i++) {
      double value = -arms.get(i).propensity / Math.log(places.get(i).place(unit));
      if (value > most) {
        most = value;
        best = i;
      }
    }
    return arms.get(best);
  }
}
