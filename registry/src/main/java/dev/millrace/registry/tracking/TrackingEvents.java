package dev.millrace.registry.tracking;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.ExperimentsState;
import dev.millrace.core.tracking.ImportedTracking;
import dev.millrace.core.tracking.LoggedModel;
import dev.millrace.core.tracking.LoggedModelState;
import dev.millrace.core.tracking.RunMetrics;
import dev.millrace.core.tracking.RunState;
import dev.millrace.core.tracking.Subject;
import dev.millrace.core.tracking.TrackingEntry;
import dev.millrace.core.tracking.TrackingEntry.Kind;
import dev.millrace.platform.Topics;
import dev.millrace.registry.transfer.EventKind;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The events of {@code models.tracking}. */
public final class TrackingEvents implements EventKind<TrackingEntry> {

  @Override
  public String journal() {
    return Topics.TRACKING;
  }

  @Override
  public String subject(TrackingEntry event) {
    return event.subject();
  }

  @Override
  public long sequence(TrackingEntry event) {
    if (event.kind() != Kind.EVENT) {
      return 0;
    }
    try {
      return LifecycleJson.sequence(event.details());
    } catch (IllegalArgumentException e) {
      return 0;
    }
  }

  @Override
  public String told(TrackingEntry event) {
    return EventKind.told(
        sequence(event), event.subject(), event.type(), event.actor(), event.atMillis());
  }

  @Override
  public ObjectNode json(TrackingEntry event) {
    return ImportedTracking.json(event);
  }

  @Override
  public TrackingEntry event(JsonNode json) {
    return ImportedTracking.event(json);
  }

  @Override
  public Folding<TrackingEntry> folding() {
    return new Fold();
  }

  /** All but the points of metrics, which are looked at one by one. */
  private static final class Fold implements Folding<TrackingEntry> {
    private final Map<String, RunState> runs = new HashMap<>();
    private final Map<String, LoggedModelState> models = new HashMap<>();
    private ExperimentsState experiments = ExperimentsState.empty();
    private long bytes;

    @Override
    public void take(TrackingEntry event) {
      String subject = event.subject();
      switch (Subject.of(subject).orElseThrow()) {
        case ALL_EXPERIMENTS -> experiments = experiments.apply(event);
        case RUN -> {
          RunMetrics unusedPoints = RunMetrics.NONE.apply(event);
          RunState before = runs.getOrDefault(subject, RunState.empty());
          RunState after = before.apply(event);
          runs.put(subject, after);
          bytes += FoldedTracking.bytes(after) - FoldedTracking.bytes(before);
        }
        case LOGGED_MODEL -> {
          LoggedModelState before = models.getOrDefault(subject, LoggedModelState.empty());
          LoggedModelState after = before.apply(event);
          models.put(subject, after);
          bytes += bytes(after.model()) - bytes(before.model());
        }
      }
    }

    private static long bytes(@Nullable LoggedModel model) {
      return model == null ? 0 : model.bytes();
    }

    @Override
    public long bytes() {
      return bytes;
    }
  }
}
