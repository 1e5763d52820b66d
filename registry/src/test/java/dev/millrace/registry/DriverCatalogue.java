package dev.millrace.registry;

import dev.millrace.core.catalog.VersionPlace;
import dev.millrace.core.lifecycle.ImportedEvent;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.platform.Topics;
import dev.millrace.registry.journal.UnreadableException;
import dev.millrace.registry.tracking.TrackingWire;
import dev.millrace.schemas.SubjectRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.TopologyTestDriver;

/** The registry's own topology in one process, without a broker; what it writes is kept. */
public final class DriverCatalogue implements Catalogue, AutoCloseable {

  private final TopologyTestDriver driver;
  private final TestInputTopic<String, byte[]> journal;
  private final TestOutputTopic<String, byte[]> written;
  private final TestOutputTopic<String, byte[]> deployments;
  private final List<KeyValue<String, byte[]>> deployed = new ArrayList<>();
  private final JournalWire wire;
  private final FoldedJournal folded = new FoldedJournal();
  private final List<LifecycleEntry> events = new ArrayList<>();

  public DriverCatalogue(Path folder) {
    Subjects subjects = new Subjects();
    this.wire = wire(subjects);
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "registry");
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "nowhere:1");
    settings.put(StreamsConfig.STATE_DIR_CONFIG, folder.toString());
    this.driver =
        new TopologyTestDriver(
            RegistryTopology.of(
                () -> wire(subjects), partition -> List.of(), () -> trackingWire(subjects)),
            settings);
    this.journal =
        driver.createInputTopic(
            Topics.LIFECYCLE, new StringSerializer(), new ByteArraySerializer());
    this.written =
        driver.createOutputTopic(
            Topics.LIFECYCLE, new StringDeserializer(), new ByteArrayDeserializer());
    this.deployments =
        driver.createOutputTopic(
            Topics.DEPLOYMENTS, new StringDeserializer(), new ByteArrayDeserializer());
  }

  private static JournalWire wire(SubjectRegistry subjects) {
    try {
      return new JournalWire(subjects);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static TrackingWire trackingWire(SubjectRegistry subjects) {
    try {
      return new TrackingWire(subjects);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public Optional<CataloguedModel> model(String name) {
    return folded.model(name);
  }

  @Override
  public Collection<CataloguedModel> models() {
    return folded.models();
  }

  @Override
  public Set<VersionPlace> versionsWithTag(String key, String value) {
    return folded.index().withTag(key, value);
  }

  @Override
  public Set<VersionPlace> versionsOfRun(String run) {
    return folded.index().ofRun(run);
  }

  @Override
  public synchronized LifecycleEntry submit(LifecycleEntry command) {
    var answer = folded.answers().answer(FoldedJournal.asked(command));
    tell(command);
    return answer.join();
  }

  /** The same of a command that need not have an answer of its own. */
  public synchronized void tell(LifecycleEntry command) {
    // No two events at one moment.
    driver.advanceWallClockTime(Duration.ofMillis(1));
    pipe(command);
  }

  /** Asks for an event of another registry. */
  synchronized CompletableFuture<LifecycleEntry> bring(LifecycleEntry event, String actor) {
    CompletableFuture<LifecycleEntry> answer =
        folded.numbered().answer(event.model(), ModelState.sequence(event));
    pipe(ImportedEvent.command(event, actor, 1));
    return answer;
  }

  /** Appends a command, and reads what it becomes. */
  synchronized void pipe(LifecycleEntry command) {
    journal.pipeInput(command.model(), wire.event(command));
    for (KeyValue<String, byte[]> record : written.readKeyValuesToList()) {
      try {
        LifecycleEntry event = wire.entry(record.key, record.value);
        events.add(event);
        folded.take(event);
      } catch (UnreadableException e) {
        throw new AssertionError(e);
      }
    }
    deployed.addAll(deployments.readKeyValuesToList());
  }

  /** What was written to the topic of deployments, for a model. */
  synchronized List<String> deployments(String model) {
    return deployed.stream()
        .filter(record -> record.key.equals(model))
        .map(record -> HexFormat.of().formatHex(record.value))
        .toList();
  }

  /** What the registry keeps of all models in its store, folded anew. */
  synchronized ModelHistories stored() {
    return ModelHistories.open(
        wire,
        driver.getKeyValueStore(RegistryTopology.HISTORY),
        () -> {
          throw new AssertionError("the store is empty");
        });
  }

  /** What the registry has written. */
  public synchronized List<LifecycleEntry> events() {
    return List.copyOf(events);
  }

  @Override
  public void close() {
    driver.close();
  }
}
