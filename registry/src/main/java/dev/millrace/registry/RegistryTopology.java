package dev.millrace.registry;

import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.lifecycle.Preparation;
import dev.millrace.platform.Topics;
import dev.millrace.registry.CommandDecision.JournalStart;
import dev.millrace.registry.tracking.TrackingTopology;
import dev.millrace.registry.tracking.TrackingWire;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The registry as a graph: the journal in, a decision about each command, events and deployments
 * out. It reads its own events back, because they are in the journal too, and passes over them.
 */
final class RegistryTopology {

  static final String JOURNAL = "journal";
  static final String DECISION = "decision";
  static final String EVENTS = "events";
  static final String DEPLOYMENTS = "deployments";

  /** The events of each model, whose fold is its state. */
  static final String HISTORY = "history";

  /** Reports of subtasks on what is being prepared; empty while nothing is. */
  static final String PREPARATIONS = "preparations";

  // An event is a record of the changelog as well.
  private static final Map<String, String> CHANGELOG =
      Map.of("max.message.bytes", String.valueOf(Topics.RECORD_BYTES_MAX));

  /**
   * @param wire made anew for each task
   * @param journal read where a task has no store
   * @param trackingWire as well
   */
  static Topology of(
      Supplier<JournalWire> wire, JournalStart journal, Supplier<TrackingWire> trackingWire) {
    Topology topology = new Topology();
    topology.addSource(
        JOURNAL,
        Serdes.String().deserializer(),
        Serdes.ByteArray().deserializer(),
        Topics.LIFECYCLE);
    topology.addProcessor(DECISION, () -> new CommandDecision(wire.get(), journal), JOURNAL);
    topology.addStateStore(store(HISTORY, Serdes.ByteArray()), DECISION);
    topology.addStateStore(store(PREPARATIONS, json(Preparation.class)), DECISION);
    topology.addSink(
        EVENTS,
        Topics.LIFECYCLE,
        Serdes.String().serializer(),
        Serdes.ByteArray().serializer(),
        DECISION);
    topology.addSink(
        DEPLOYMENTS,
        Topics.DEPLOYMENTS,
        Serdes.String().serializer(),
        Serdes.ByteArray().serializer(),
        DECISION);
    TrackingTopology.addTo(topology, trackingWire);
    return topology;
  }

  private static <T> StoreBuilder<?> store(String name, Serde<T> values) {
    return Stores.keyValueStoreBuilder(
            Stores.persistentKeyValueStore(name), Serdes.String(), values)
        .withLoggingEnabled(CHANGELOG)
        .withCachingDisabled();
  }

  static <T> Serde<T> json(Class<T> type) {
    return Serdes.serdeFrom(
        (topic, value) -> value == null ? null : LifecycleJson.write(value),
        (topic, bytes) -> bytes == null ? null : LifecycleJson.read(bytes, type));
  }

  private RegistryTopology() {}
}
