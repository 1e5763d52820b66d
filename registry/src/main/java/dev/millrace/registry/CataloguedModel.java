package dev.millrace.registry;

import dev.millrace.core.catalog.Aliases;
import dev.millrace.core.catalog.CatalogState;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.model.LifecycleEntry;
import java.util.SortedMap;

/** All that is known of a model: what people say of it, and its life. */
public record CataloguedModel(CatalogState page, ModelState state) {

  static CataloguedModel empty(String model) {
    return new CataloguedModel(CatalogState.empty(model), ModelState.empty(model));
  }

  /** The same after one more event. */
  CataloguedModel with(LifecycleEntry event) {
    return ModelState.details(event)
        .map(
            details -> new CataloguedModel(page.apply(event, details), state.apply(event, details)))
        .orElse(this);
  }

  public String name() {
    return page.model();
  }

  /** Whether there is a model of this name for who lists models. */
  public boolean exists() {
    return page.card() != null;
  }

  /** Names of versions, those included that follow deployments. */
  public SortedMap<String, Integer> aliases() {
    return Aliases.of(page, state);
  }
}
