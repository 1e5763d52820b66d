package dev.millrace.cli.score;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Topics;
import dev.millrace.platform.Warehouse;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import dev.millrace.trainer.EventEvidence;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.utils.Utils;
import org.jspecify.annotations.Nullable;

/**
 * Finds the prediction of an event. The table of predictions knows when it was scored; the topic
 * then gives the record, which also names the rows. What the table has not yet is looked for at the
 * end of the topic. The key says in which partition, so one is read.
 */
final class PredictionSearch {

  /** How many records of the topic are looked at. */
  static final long RECORDS_MAX = 500_000;

  private static final Duration POLL = Duration.ofMillis(200);
  private static final Duration GIVE_UP = Duration.ofSeconds(20);

  /** Clocks of tasks and broker apart, and a checkpoint until what is transactional can be seen. */
  private static final Duration BEFORE = Duration.ofMinutes(1);

  private static final Duration AFTER = Duration.ofMinutes(10);

  private final Target target;
  private final SubjectRegistry registry;
  private final Project project;
  private final Model model;
  private final List<String> searched = new ArrayList<>();

  PredictionSearch(Target target, SubjectRegistry registry, Project project, Model model) {
    this.target = target;
    this.registry = registry;
    this.project = project;
    this.model = model;
  }

  /** Where was looked, for people. */
  List<String> searched() {
    return searched;
  }

  /** The prediction; without rows where only the table has it. */
  Optional<GenericRecord> find(EventEvidence evidence, String eventId) throws IOException {
    Optional<GenericRecord> archived = evidence.prediction(model, eventId);
    searched.add(
        "table %s: %s"
            .formatted(
                Warehouse.predictions(project.name(), model.name()),
                archived.isPresent() ? "found" : "not there"));
    Optional<GenericRecord> fresh =
        inTopic(eventId, archived.map(p -> (Long) p.get("scored_at")).orElse(null));
    return fresh.isPresent() ? fresh : archived;
  }

  private Optional<GenericRecord> inTopic(String eventId, @Nullable Long scoredAtMillis)
      throws IOException {
    String topic = Topics.predictions(project.name(), model.name());
    try (KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(TopicLog.consumer(target))) {
      List<PartitionInfo> partitions = consumer.listTopics().getOrDefault(topic, List.of());
      if (partitions.isEmpty()) {
        searched.add("topic " + topic + ": there is none");
        return Optional.empty();
      }
      TopicPartition partition = new TopicPartition(topic, partition(eventId, partitions.size()));
      consumer.assign(List.of(partition));
      long begin = consumer.beginningOffsets(List.of(partition)).getOrDefault(partition, 0L);
      long end = consumer.endOffsets(List.of(partition)).getOrDefault(partition, 0L);
      long from = Math.max(begin, end - RECORDS_MAX);
      long untilMillis = Long.MAX_VALUE;
      if (scoredAtMillis != null) {
        OffsetAndTimestamp at =
            consumer
                .offsetsForTimes(Map.of(partition, scoredAtMillis - BEFORE.toMillis()))
                .get(partition);
        from = at == null ? end : at.offset();
        untilMillis = scoredAtMillis + AFTER.toMillis();
      }
      consumer.seek(partition, from);
      Optional<ConsumerRecord<String, byte[]>> found =
          read(consumer, partition, Math.min(end, from + RECORDS_MAX), untilMillis, eventId);
      searched.add(
          String.format(
              Locale.ROOT,
              "topic %s, partition %d, from offset %d of %d to %d: %s",
              topic,
              partition.partition(),
              from,
              begin,
              found.map(ConsumerRecord::offset).orElse(end),
              found.isPresent() ? "found" : "not there"));
      return found.isEmpty()
          ? Optional.empty()
          : Optional.of(new WireFormat.Reader(registry, Wire.PREDICTION).read(found.get().value()));
    }
  }

  private static Optional<ConsumerRecord<String, byte[]>> read(
      KafkaConsumer<String, byte[]> consumer,
      TopicPartition partition,
      long end,
      long untilMillis,
      String eventId) {
    Instant deadline = Instant.now().plus(GIVE_UP);
    while (consumer.position(partition) < end && Instant.now().isBefore(deadline)) {
      for (ConsumerRecord<String, byte[]> record : consumer.poll(POLL)) {
        deadline = Instant.now().plus(GIVE_UP);
        if (eventId.equals(record.key())) {
          return Optional.of(record);
        }
        if (record.timestamp() > untilMillis) {
          return Optional.empty();
        }
      }
    }
    return Optional.empty();
  }

  /** Where Kafka's producers put a key. */
  static int partition(String key, int partitions) {
    return Utils.toPositive(Utils.murmur2(key.getBytes(StandardCharsets.UTF_8))) % partitions;
  }
}
