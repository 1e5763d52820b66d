package dev.millrace.registry.mlflow;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.catalog.CatalogRules;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.registry.Catalogue;
import dev.millrace.registry.CataloguedModel;
import dev.millrace.registry.journal.UnansweredException;
import java.time.Clock;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Asks the registry for changes, and says in MLflow's words what became of them. */
final class CatalogCommands {

  private static final JsonMapper JSON = new JsonMapper();

  private final Catalogue catalogue;
  private final Clock clock;

  CatalogCommands(Catalogue catalogue, Clock clock) {
    this.catalogue = catalogue;
    this.clock = clock;
  }

  Catalogue catalogue() {
    return catalogue;
  }

  /** A model that is there. */
  CataloguedModel model(String name) {
    return catalogue
        .model(name)
        .filter(CataloguedModel::exists)
        .orElseThrow(() -> MlflowError.missing(CatalogRules.noModel(name)));
  }

  /** The same, as it is after a change. */
  CataloguedModel change(
      MlflowRequest request,
      String model,
      Command command,
      @Nullable Integer version,
      ObjectNode details)
      throws InterruptedException {
    LifecycleEntry unusedEvent = submit(request, model, command, version, null, details);
    return catalogue.model(model).orElseGet(() -> none(model));
  }

  private static CataloguedModel none(String model) {
    throw new IllegalStateException("Cannot find model " + model + ", which was just changed");
  }

  /**
   * What a command became.
   *
   * @throws MlflowError where it is refused
   */
  LifecycleEntry submit(
      MlflowRequest request,
      String model,
      Command command,
      @Nullable Integer version,
      @Nullable String uri,
      ObjectNode details)
      throws InterruptedException {
    String key =
        request.idempotencyKey().isEmpty()
            ? "http-" + UUID.randomUUID()
            : "client-" + command + "-" + request.idempotencyKey();
    LifecycleEntry event;
    try {
      event =
          catalogue.submit(
              new LifecycleEntry(
                  model,
                  Kind.COMMAND,
                  command.name(),
                  version,
                  request.actor(),
                  "over MLflow's interface",
                  clock.millis(),
                  key,
                  uri,
                  null,
                  details.toString()));
    } catch (UnansweredException e) {
      throw new MlflowError(
          MlflowError.Code.TEMPORARILY_UNAVAILABLE, String.valueOf(e.getMessage()));
    }
    if (event.is(Event.REFUSED) && !code(event).equals(CatalogRules.REPEATED)) {
      throw MlflowError.refused(MlflowError.Code.valueOf(code(event)), event.reason());
    }
    return event;
  }

  private static String code(LifecycleEntry refused) {
    try {
      // What the rules of deployments refuse has no code.
      return JSON.readTree(refused.details())
          .path("code")
          .asText(MlflowError.Code.INVALID_STATE.name());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Cannot read an event of the registry itself", e);
    }
  }
}
