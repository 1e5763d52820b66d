package dev.millrace.registry;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.tracking.TrackingEntry;
import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Topics;
import dev.millrace.registry.journal.FollowedTopic.Entries;
import dev.millrace.registry.journal.UnreadableException;
import dev.millrace.registry.tracking.FollowedTracking;
import dev.millrace.registry.tracking.TrackingEvents;
import dev.millrace.registry.tracking.TrackingWire;
import dev.millrace.registry.transfer.TransferredJournal;
import dev.millrace.registry.transfer.TransferredJournal.Reading;
import dev.millrace.schemas.SubjectRegistry;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The registry's two journals as they are exported and imported. */
final class KafkaJournals {

  private static final Logger LOG = LoggerFactory.getLogger(KafkaJournals.class);

  /** The catalogue's, and that of tracking. */
  static List<TransferredJournal<?>> of(
      Target target,
      SubjectRegistry subjects,
      FollowedCatalogue catalogue,
      FollowedTracking tracking) {
    return List.of(
        new TransferredJournal<LifecycleEntry>(
            new LifecycleEvents(),
            now(target, Topics.LIFECYCLE, RegistryService.made(() -> new JournalWire(subjects))),
            catalogue::bring),
        new TransferredJournal<TrackingEntry>(
            new TrackingEvents(),
            now(target, Topics.TRACKING, RegistryService.made(() -> new TrackingWire(subjects))),
            tracking::bring));
  }

  private static <E> Supplier<Reading<E>> now(
      Target target, String topic, Supplier<? extends Entries<E>> wire) {
    return () -> {
      var ends = TopicLog.ends(target, topic);
      return entries -> {
        Entries<E> reading = wire.get();
        TopicLog.read(target, ends, record -> read(reading, record, entries));
      };
    };
  }

  private static <E> void read(
      Entries<E> reading, ConsumerRecord<String, byte[]> record, Consumer<E> entries) {
    E entry;
    try {
      entry = reading.entry(record.key(), record.value());
    } catch (UnreadableException e) {
      // The registry passes over it too.
      LOG.debug("Passing over {} {}:{}", record.topic(), record.partition(), record.offset(), e);
      return;
    }
    entries.accept(entry);
  }

  private KafkaJournals() {}
}
