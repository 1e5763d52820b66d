package dev.millrace.registry.tracking;

import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.ExperimentsState;
import dev.millrace.core.tracking.ImportedTracking;
import dev.millrace.core.tracking.LoggedModel;
import dev.millrace.core.tracking.TrackingEntry;
import dev.millrace.platform.Topics;
import dev.millrace.registry.Subjects;
import dev.millrace.registry.journal.UnreadableException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/** The topology of tracking in one process, without a broker; what it writes is kept. */
public final class DriverTracking implements Tracking, AutoCloseable {

  private final TopologyTestDriver driver;
  private final TestInputTopic<String, byte[]> journal;
  private final TestOutputTopic<String, byte[]> written;
  private final TrackingWire wire;
  private final FoldedTracking folded = new FoldedTracking();
  private final List<TrackingEntry> events = new ArrayList<>();

  public DriverTracking(Path folder) {
    Subjects subjects = new Subjects();
    this.wire = wire(subjects);
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "tracking");
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "nowhere:1");
    settings.put(StreamsConfig.STATE_DIR_CONFIG, folder.toString());
    Topology topology = new Topology();
    TrackingTopology.addTo(topology, () -> wire(subjects));
    this.driver = new TopologyTestDriver(topology, settings);
    this.journal =
        driver.createInputTopic(Topics.TRACKING, new StringSerializer(), new ByteArraySerializer());
    this.written =
        driver.createOutputTopic(
            Topics.TRACKING, new StringDeserializer(), new ByteArrayDeserializer());
  }

  private static TrackingWire wire(Subjects subjects) {
    try {
      return new TrackingWire(subjects);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public ExperimentsState experiments() {
    return folded.experiments();
  }

  @Override
  public Optional<TrackedRun> run(String id) {
    return folded.run(id);
  }

  @Override
  public Stream<TrackedRun> runs(String experimentId) {
    return folded.runs(experimentId);
  }

  @Override
  public Optional<LoggedModel> model(String id) {
    return folded.model(id);
  }

  @Override
  public Stream<LoggedModel> models(String experimentId) {
    return folded.models(experimentId);
  }

  @Override
  public long bytes() {
    return folded.bytes();
  }

  @Override
  public synchronized TrackingEntry submit(TrackingEntry command) {
    var answer = folded.answers().answer(wire.asked(command));
    pipe(command.subject(), wire.bytes(command));
    return answer.join();
  }

  /** Asks for an event of another registry. */
  public synchronized CompletableFuture<TrackingEntry> bring(TrackingEntry event, String actor) {
    CompletableFuture<TrackingEntry> answer =
        folded.numbered().answer(event.subject(), LifecycleJson.sequence(event.details()));
    pipe(event.subject(), wire.bytes(ImportedTracking.command(event, actor, 1)));
    return answer;
  }

  /** Appends a record, and reads what it becomes. */
  public synchronized void pipe(String key, byte[] value) {
    journal.pipeInput(key, value);
    for (KeyValue<String, byte[]> record : written.readKeyValuesToList()) {
      try {
        TrackingEntry event = wire.entry(record.key, record.value);
        events.add(event);
        folded.take(event);
      } catch (UnreadableException e) {
        throw new AssertionError(e);
      }
    }
  }

  /** What stands in the journal for an entry. */
  public byte[] bytes(TrackingEntry entry) {
    return wire.bytes(entry);
  }

  /** Fills the stores as changelogs would, and reads the journal of another one. */
  public synchronized void restoreFrom(DriverTracking other) {
    for (String store :
        List.of(
            TrackingTopology.EXPERIMENTS,
            TrackingTopology.RUNS,
            TrackingTopology.LOGGED_MODELS,
            TrackingTopology.TALLIES,
            TrackingTopology.POINTS)) {
      KeyValueStore<String, Object> to = driver.getKeyValueStore(store);
      try (KeyValueIterator<String, Object> from =
          other.driver.<String, Object>getKeyValueStore(store).all()) {
        from.forEachRemaining(e -> to.put(e.key, e.value));
      }
    }
    other.events().forEach(folded::take);
  }

  /** What was written. */
  public synchronized List<TrackingEntry> events() {
    return List.copyOf(events);
  }

  @Override
  public void close() {
    driver.close();
  }
}
