package dev.millrace.registry;

import dev.millrace.core.lifecycle.ModelState;
import java.util.Collection;
import java.util.Optional;

/** The models of a driven topology, which always runs. */
record CatalogueStates(Catalogue catalogue) implements RegistryApi.States {
  @Override
  public String condition() {
    return "RUNNING";
  }

  @Override
  public boolean isRunning() {
    return true;
  }

  @Override
  public Collection<String> models() {
    return catalogue.models().stream().map(CataloguedModel::name).toList();
  }

  @Override
  public Optional<ModelState> model(String name) {
    return catalogue.model(name).map(CataloguedModel::state);
  }
}
