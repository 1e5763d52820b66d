package dev.millrace.core.tracking;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.catalog.Sorted;
import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.TrackingEntry.Event;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * All experiments: the fold of the events of {@link Subject#EXPERIMENTS}, and of nothing else.
 * Those that were deleted stay, and so do their names.
 */
public final class ExperimentsState {

  /** The experiment that was always there. */
  public static final String DEFAULT_ID = "0";

  private static final Experiment DEFAULT =
      new Experiment(
          DEFAULT_ID, "Default", Experiment.location(DEFAULT_ID), false, 0, 0, new TreeMap<>());

  private final Tally tally;
  private final SortedMap<Long, Experiment> byId;
  private final Map<String, Experiment> byName;
  private final long length;

  private ExperimentsState(Tally tally, SortedMap<Long, Experiment> byId) {
    this.tally = tally;
    this.byId = byId;
    this.byName = new HashMap<>();
    long sum = 0;
    for (Experiment experiment : byId.values()) {
      byName.put(experiment.name(), experiment);
      sum += TrackingLimits.length(experiment.tags());
    }
    this.length = sum;
  }

  public static ExperimentsState empty() {
    return of(Tally.NONE, List.of());
  }

  /** The state of which somebody has kept the parts. */
  public static ExperimentsState of(Tally tally, Collection<Experiment> experiments) {
    TreeMap<Long, Experiment> byId = new TreeMap<>();
    byId.put(0L, DEFAULT);
    experiments.forEach(e -> byId.put(Long.valueOf(e.id()), e));
    return new ExperimentsState(tally, byId);
  }

  public Tally tally() {
    return tally;
  }

  public Optional<Experiment> experiment(String id) {
    try {
      Experiment found = byId.get(Long.valueOf(id));
      // Not by another way to write the number.
      return Optional.ofNullable(found).filter(e -> e.id().equals(id));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  /** Also one that was deleted. */
  public Optional<Experiment> named(String name) {
    return Optional.ofNullable(byName.get(name));
  }

  /** Ascending by id. */
  public Collection<Experiment> all() {
    return byId.values();
  }

  /** How many characters all tags have. */
  long length() {
    return length;
  }

  String nextId() {
    return String.valueOf(byId.lastKey() + 1);
  }

  /** Takes the next event; one that was taken already, or has no number, changes nothing. */
  public ExperimentsState apply(TrackingEntry event) {
    ObjectNode details = LifecycleJson.details(event.details());
    if (tally.passesOver(event, details)) {
      return this;
    }
    Tally next = tally.with(event, details);
    Optional<Experiment> changed = changed(event, details);
    return new ExperimentsState(next, changed.isEmpty() ? byId : with(changed.get()));
  }

  private SortedMap<Long, Experiment> with(Experiment experiment) {
    return Sorted.with(byId, Long.valueOf(experiment.id()), experiment);
  }

  /** The experiment as an event leaves it; empty where it changes none. */
  public Optional<Experiment> changed(TrackingEntry event) {
    return changed(event, LifecycleJson.details(event.details()));
  }

  private Optional<Experiment> changed(TrackingEntry event, ObjectNode details) {
    Event type = Event.valueOf(event.type());
    String id = Details.text(details, "experiment_id");
    long atMillis = event.atMillis();
    if (type == Event.EXPERIMENT_CREATED) {
      return Optional.of(
          new Experiment(
              id,
              Details.text(details, "name"),
              Details.text(details, "artifact_location"),
              false,
              atMillis,
              atMillis,
              Details.texts(details.path("tags"))));
    }
    return experiment(id)
        .map(
            before ->
                switch (type) {
                  case EXPERIMENT_RENAMED -> before.named(Details.text(details, "name"), atMillis);
                  case EXPERIMENT_DELETED -> before.deleted(true, atMillis);
                  case EXPERIMENT_RESTORED -> before.deleted(false, atMillis);
                  case EXPERIMENT_TAG_SET ->
                      before.tagged(
                          Sorted.with(
                              before.tags(),
                              Details.text(details, "key"),
                              Details.text(details, "value")),
                          atMillis);
                  case EXPERIMENT_TAG_DELETED ->
                      before.tagged(
                          Sorted.without(before.tags(), Details.text(details, "key")), atMillis);
                  default -> before;
                });
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ExperimentsState state
        && tally.equals(state.tally)
        && byId.equals(state.byId);
  }

  @Override
  public int hashCode() {
    return tally.hashCode() * 31 + byId.hashCode();
  }

  @Override
  public String toString() {
    return "experiments " + byId.values() + ", " + tally;
  }
}
