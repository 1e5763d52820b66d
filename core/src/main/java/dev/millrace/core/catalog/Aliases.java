package dev.millrace.core.catalog;

import dev.millrace.core.lifecycle.DecidedDeployment;
import dev.millrace.core.lifecycle.DecidedDeployment.Named;
import dev.millrace.core.lifecycle.ModelState;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which names a model's versions go by. Where the model is deployed, three of them say who serves
 * and nobody sets them by hand.
 */
public final class Aliases {

  public static final String CHAMPION = "champion";
  public static final String CHALLENGER = "challenger";
  public static final String SHADOW = "shadow";

  private static final Set<String> OF_DEPLOYMENTS = Set.of(CHAMPION, CHALLENGER, SHADOW);

  /** Whether an alias says who serves; set by hand it does where the model is not deployed. */
  public static boolean isOfDeployments(String alias) {
    return OF_DEPLOYMENTS.contains(alias);
  }

  /** Whether an alias follows the deployments of a model. */
  public static boolean followsDeployments(String alias, ModelState state) {
    return isOfDeployments(alias) && state.current().isPresent();
  }

  /** All aliases of a model, with the version of each. */
  public static SortedMap<String, Integer> of(CatalogState catalog, ModelState state) {
    SortedMap<String, Integer> aliases = new TreeMap<>(catalog.aliases());
    Optional<DecidedDeployment> current = state.current();
    if (current.isPresent()) {
      DecidedDeployment serving = current.get();
      aliases.keySet().removeAll(OF_DEPLOYMENTS);
      aliases.put(CHAMPION, serving.champion().version());
      Named canary = serving.canary();
      if (canary != null) {
        aliases.put(CHALLENGER, canary.version());
      }
      if (!serving.shadows().isEmpty()) {
        aliases.put(SHADOW, serving.shadows().get(0).version());
      }
    }
    return aliases;
  }

  private Aliases() {}
}
