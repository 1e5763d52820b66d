package dev.millrace.cli.events;

import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.UserMistake;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/** Plays files into a project's sources: typed, encoded, paced, written once. */
public final class EventReplay implements AutoCloseable {

  private static final long PARKED_NANOS_MAX = 100_000_000;
  private static final double NANOS_PER_SECOND = 1e9;

  private final Project project;
  private final KafkaProducer<byte[], byte[]> producer;
  private final Map<String, EventForm> forms = new LinkedHashMap<>();
  private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
  private final ReplayProgress progress = new ReplayProgress();
  private volatile boolean stopped;

  /** Hears of every event that was handed to the producer. */
  @FunctionalInterface
  public interface Listener {
    /**
     * @param dueNanos when the pace wanted it sent, on the clock of {@link System#nanoTime}; what
     *     is measured from there includes the time that a slow sender lost
     */
    void sent(String source, String eventId, long eventTimeMillis, long dueNanos);
  }

  /**
   * What is played.
   *
   * @param eventsMax at most so many events
   */
  public record Selection(TimeSpan span, long eventsMax) {
    public static final Selection ALL = new Selection(TimeSpan.ALL, Long.MAX_VALUE);
  }

  private EventReplay(Project project, KafkaProducer<byte[], byte[]> producer) {
    this.project = project;
    this.producer = producer;
  }

  /**
   * Makes ready to play into sources of a project that is applied.
   *
   * @throws UserMistake where a source has no topic yet
   */
  public static EventReplay open(
      Target target, SubjectRegistry registry, Project project, List<Source> sources)
      throws IOException, InterruptedException {
    refuseMissingTopics(target, project, sources);
    EventReplay replay = new EventReplay(project, producer(target));
    try {
      for (Source source : sources) {
        replay.forms.put(source.name(), new EventForm(project, source, encoder(source, registry)));
      }
      return replay;
    } catch (IOException | RuntimeException e) {
      replay.close();
      throw e;
    }
  }

  /** The sources of a project that files can be played into. */
  public static List<Source> playable(Project project) {
    return project.sources().stream().filter(s -> s.kind() == Source.Kind.KAFKA).toList();
  }

  /**
   * Plays every opened source's sample files as one stream in the order of event time.
   *
   * @param folder the project's folder
   */
  public ReplaySummary playAll(
      Path folder, Selection selection, Pace pace, Listener listener, Consumer<BadRow> badRows)
      throws IOException {
    List<SampleFile> files = new ArrayList<>();
    for (EventForm form : forms.values()) {
      Source source = form.source();
      String glob = source.samples() == null ? "data/" + source.name() + "*" : source.samples();
      List<Path> matching = SampleFile.matching(folder, glob);
      if (matching.isEmpty()) {
        throw new UserMistake(
            "Cannot play source "
                + source.name()
                + ": no file in "
                + folder
                + " matches "
                + glob
                + "; put files there or correct the source's sample:");
      }
      matching.forEach(file -> files.add(new SampleFile(file, form)));
    }
    progress.begin();
    Consumer<BadRow> counted = counted(badRows);
    try (EventStream stream = new MergedEvents(files, forms.size(), selection.span(), counted)) {
      return play(stream, selection, pace, listener);
    }
  }

  /** Plays one file into one source: in its own order, or by event time where the pace says so. */
  public ReplaySummary playFile(
      String source,
      Path file,
      Selection selection,
      Pace pace,
      boolean byEventTime,
      Listener listener,
      Consumer<BadRow> badRows)
      throws IOException {
    EventForm form = forms.get(source);
    if (form == null) {
      throw new IllegalArgumentException("Cannot play source " + source + ": it was not opened");
    }
    progress.begin();
    Consumer<BadRow> counted = counted(badRows);
    try (EventStream stream =
        byEventTime
            ? new MergedEvents(List.of(new SampleFile(file, form)), 1, selection.span(), counted)
            : new FileOrder(file, form, selection.span(), counted)) {
      return play(stream, selection, pace, listener);
    }
  }

  /** What was sent until now; for other threads. */
  public ReplayProgress progress() {
    return progress;
  }

  /** Ends the playing after the event at hand; for other threads. */
  public void stop() {
    stopped = true;
  }

  @Override
  public void close() {
    producer.close();
  }

  private Consumer<BadRow> counted(Consumer<BadRow> badRows) {
    return row -> {
      progress.badRow();
      badRows.accept(row);
    };
  }

  private ReplaySummary play(EventStream stream, Selection selection, Pace pace, Listener listener)
      throws IOException {
    PreparedEvent event = selection.eventsMax() > 0 ? stream.next() : null;
    long firstTimeMillis = event == null ? 0 : event.eventTimeMillis();
    long startNanos = System.nanoTime();
    long sent = 0;
    while (event != null && !stopped) {
      long dueNanos =
          pace.isUnlimited()
              ? System.nanoTime()
              : startNanos + pace.dueNanos(sent, firstTimeMillis, event.eventTimeMillis());
      if (!waitUntil(dueNanos)) {
        break;
      }
      progress.behind(System.nanoTime() - dueNanos);
      send(event);
      sent++;
      progress.sent(event.source(), event.eventTimeMillis());
      listener.sent(event.source(), event.eventId(), event.eventTimeMillis(), dueNanos);
      event = sent < selection.eventsMax() ? stream.next() : null;
    }
    try {
      producer.flush();
    } catch (KafkaException e) {
      throw new CommandFailed("Cannot finish sending: " + e.getMessage(), e);
    }
    refuseFailure();
    return progress.summary((System.nanoTime() - startNanos) / NANOS_PER_SECOND);
  }

  // The callback keeps the first failure, and every send looks at it.
  @SuppressWarnings("FutureReturnValueIgnored")
  private void send(PreparedEvent event) {
    refuseFailure();
    byte[] key = event.eventId().getBytes(StandardCharsets.UTF_8);
    try {
      producer.send(
          new ProducerRecord<>(event.topic(), key, event.value()),
          (metadata, e) -> {
            if (e != null) {
              failure.compareAndSet(null, e);
            }
          });
    } catch (KafkaException e) {
      throw new CommandFailed(
          "Cannot send event "
              + event.eventId()
              + " to topic "
              + event.topic()
              + ": "
              + e.getMessage()
              + "; see whether the broker answers (./millrace status)",
          e);
    }
  }

  private void refuseFailure() {
    Exception e = failure.get();
    if (e != null) {
      throw new CommandFailed(
          "Cannot produce: the broker did not take an event: "
              + e.getMessage()
              + "; see whether it answers (./millrace status)",
          e);
    }
  }

  /** False where the playing was stopped while it waited. */
  private boolean waitUntil(long dueNanos) {
    while (true) {
      long leftNanos = dueNanos - System.nanoTime();
      if (leftNanos <= 0) {
        return true;
      }
      if (stopped || Thread.currentThread().isInterrupted()) {
        return false;
      }
      LockSupport.parkNanos(Math.min(leftNanos, PARKED_NANOS_MAX));
    }
  }

  private static EventForm.Encoder encoder(Source source, SubjectRegistry registry)
      throws IOException {
    if (source.format() == Source.Format.JSON) {
      return record -> RecordJson.forTopic(record).getBytes(StandardCharsets.UTF_8);
    }
    int id = registry.register(Topics.subject(source.topic()), source.schema().toString());
    WireFormat.Writer writer = new WireFormat.Writer(id, source.schema());
    return writer::write;
  }

  private static void refuseMissingTopics(Target target, Project project, List<Source> sources)
      throws InterruptedException {
    Set<String> missing = new TreeSet<>();
    Set<String> wanted = new LinkedHashSet<>();
    sources.forEach(s -> wanted.add(s.topic()));
    try (Admin admin = Topics.admin(target)) {
      missing.addAll(wanted);
      missing.removeAll(Topics.ids(admin, wanted).keySet());
    }
    if (!missing.isEmpty()) {
      throw new UserMistake(
          "Cannot produce into project "
              + project.name()
              + ": there is no topic "
              + String.join(", ", missing)
              + "; run ./millrace apply on the project first");
    }
  }

  private static KafkaProducer<byte[], byte[]> producer(Target target) {
    Properties properties = new Properties();
    properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, target.kafka());
    String serializer = ByteArraySerializer.class.getName();
    properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, serializer);
    properties.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, serializer);
    properties.put(ProducerConfig.ACKS_CONFIG, "all");
    properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, "true");
    properties.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, "lz4");
    properties.put(ProducerConfig.LINGER_MS_CONFIG, "2");
    properties.put(ProducerConfig.BATCH_SIZE_CONFIG, String.valueOf(128 * 1024));
    properties.put(ProducerConfig.BUFFER_MEMORY_CONFIG, String.valueOf(64L * 1024 * 1024));
    properties.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, String.valueOf(Topics.RECORD_BYTES_MAX));
    properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, "60000");
    return new KafkaProducer<>(properties);
  }

  Project project() {
    return project;
  }
}
