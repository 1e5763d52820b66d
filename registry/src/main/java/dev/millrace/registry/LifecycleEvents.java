package dev.millrace.registry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.lifecycle.ImportedEvent;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.platform.Topics;
import dev.millrace.registry.transfer.EventKind;
import java.util.HashMap;
import java.util.Map;

/** The events of {@code models.lifecycle}. */
final class LifecycleEvents implements EventKind<LifecycleEntry> {

  @Override
  public String journal() {
    return Topics.LIFECYCLE;
  }

  @Override
  public String subject(LifecycleEntry event) {
    return event.model();
  }

  @Override
  public long sequence(LifecycleEntry event) {
    return event.kind() == Kind.EVENT ? ModelState.sequence(event) : 0;
  }

  @Override
  public String told(LifecycleEntry event) {
    return EventKind.told(
        sequence(event), "model " + event.model(), event.type(), event.actor(), event.atMillis());
  }

  @Override
  public ObjectNode json(LifecycleEntry event) {
    return ImportedEvent.json(event);
  }

  @Override
  public LifecycleEntry event(JsonNode json) {
    return ImportedEvent.event(json);
  }

  @Override
  public Folding<LifecycleEntry> folding() {
    Map<String, CataloguedModel> models = new HashMap<>();
    return new Folding<>() {
      @Override
      public void take(LifecycleEntry event) {
        CataloguedModel unusedBefore =
            models.put(
                event.model(),
                models
                    .getOrDefault(event.model(), CataloguedModel.empty(event.model()))
                    .with(event));
      }

      @Override
      public long bytes() {
        // Nothing limits it when it is registered either.
        return 0;
      }
    };
  }
}
