package dev.millrace.registry.tracking;

import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.Experiment;
import dev.millrace.core.tracking.LoggedModel;
import dev.millrace.core.tracking.Run;
import dev.millrace.core.tracking.Tally;
import dev.millrace.platform.Topics;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** Tracking as a graph: its journal in, a decision about each command, events out. */
public final class TrackingTopology {

  static final String JOURNAL = "tracking-journal";
  static final String DECISION = "tracking-decision";
  static final String EVENTS = "tracking-events";

  /** By id. */
  static final String EXPERIMENTS = "experiments";

  /** By id, without their metrics. */
  static final String RUNS = "runs";

  /** By id. */
  static final String LOGGED_MODELS = "logged-models";

  /** By subject: what every event changes. */
  static final String TALLIES = "tallies";

  /** Which points of metrics are there; a record each, so that one more costs no more. */
  static final String POINTS = "points";

  private static final Map<String, String> CHANGELOG =
      Map.of("max.message.bytes", String.valueOf(Topics.RECORD_BYTES_MAX));

  /**
   * Adds it to the registry's graph.
   *
   * @param wire made anew for each task
   */
  public static void addTo(Topology topology, Supplier<TrackingWire> wire) {
    topology.addSource(
        JOURNAL,
        Serdes.String().deserializer(),
        Serdes.ByteArray().deserializer(),
        Topics.TRACKING);
    topology.addProcessor(DECISION, () -> new TrackingDecision(wire.get()), JOURNAL);
    topology.addStateStore(store(EXPERIMENTS, json(Experiment.class)), DECISION);
    topology.addStateStore(store(RUNS, json(Run.class)), DECISION);
    topology.addStateStore(store(LOGGED_MODELS, json(LoggedModel.class)), DECISION);
    topology.addStateStore(store(TALLIES, json(Tally.class)), DECISION);
    topology.addStateStore(store(POINTS, Serdes.ByteArray()), DECISION);
    topology.addSink(
        EVENTS,
        Topics.TRACKING,
        Serdes.String().serializer(),
        Serdes.ByteArray().serializer(),
        DECISION);
  }

  private static <T> StoreBuilder<?> store(String name, Serde<T> values) {
    return Stores.keyValueStoreBuilder(
            Stores.persistentKeyValueStore(name), Serdes.String(), values)
        .withLoggingEnabled(CHANGELOG)
        .withCachingDisabled();
  }

  private static <T> Serde<T> json(Class<T> type) {
    return Serdes.serdeFrom(
        (topic, value) -> value == null ? null : LifecycleJson.write(value),
        (topic, bytes) -> bytes == null ? null : LifecycleJson.read(bytes, type));
  }

  private TrackingTopology() {}
}
