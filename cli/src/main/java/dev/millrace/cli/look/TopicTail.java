package dev.millrace.cli.look;

import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.events.RecordJson;
import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What every {@code tail} has: its options, and the records of topics as they come. */
final class TopicTail {

  private static final Duration POLL = Duration.ofMillis(200);

  @Option(
      names = "--project",
      paramLabel = "P",
      description = "The project, where the model's is not to be looked for.")
  private @Nullable String project;

  @Option(names = "--json", description = "Prints each record as JSON, one a line.")
  private boolean json;

  @Option(names = "--from-beginning", description = "Starts with the oldest one kept.")
  private boolean fromBeginning;

  @Option(names = "--max", paramLabel = "N", description = "Ends after so many records.")
  private long max = Long.MAX_VALUE;

  @Option(
      names = "--timeout",
      paramLabel = "D",
      description = "Ends when none came for so long, such as 10s; waits for ever if left out.")
  private @Nullable String timeout;

  @Nullable String project() {
    return project;
  }

  /**
   * Shows records until there are enough or none comes.
   *
   * @param schemas by topic
   * @param line what a person reads of a record
   */
  void show(
      Target target,
      SubjectRegistry registry,
      Map<String, Schema> schemas,
      Predicate<GenericRecord> wanted,
      Function<GenericRecord, String> line,
      PrintWriter out)
      throws IOException {
    long timeoutNanos = timeout == null ? Long.MAX_VALUE : Spans.parse(timeout).toNanos();
    Map<String, WireFormat.Reader> readers = new HashMap<>();
    schemas.forEach((topic, schema) -> readers.put(topic, new WireFormat.Reader(registry, schema)));
    try (KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(TopicLog.consumer(target))) {
      assign(consumer, schemas);
      long shown = 0;
      long lastNanos = System.nanoTime();
      while (shown < max && System.nanoTime() - lastNanos < timeoutNanos) {
        var records = consumer.poll(POLL);
        for (ConsumerRecord<String, byte[]> record : records) {
          WireFormat.Reader reader = readers.get(record.topic());
          if (reader == null || shown >= max) {
            continue;
          }
          GenericRecord read = reader.read(record.value());
          if (wanted.test(read)) {
            lastNanos = System.nanoTime();
            out.println(json ? RecordJson.of(read) : line.apply(read));
            shown++;
          }
        }
        // Whoever read the other end of a pipe may have left.
        if (!records.isEmpty() && out.checkError()) {
          break;
        }
      }
    }
  }

  private void assign(KafkaConsumer<String, byte[]> consumer, Map<String, Schema> schemas) {
    Map<String, List<PartitionInfo>> known = consumer.listTopics();
    List<TopicPartition> partitions = new ArrayList<>();
    for (String topic : schemas.keySet()) {
      List<PartitionInfo> infos = known.getOrDefault(topic, List.of());
      if (infos.isEmpty()) {
        throw new CommandFailed(
            "Cannot read topic "
                + topic
                + ": it is not there; run ./millrace apply on its project");
      }
      infos.forEach(p -> partitions.add(new TopicPartition(topic, p.partition())));
    }
    consumer.assign(partitions);
    if (fromBeginning) {
      consumer.seekToBeginning(partitions);
    } else {
      consumer.seekToEnd(partitions);
      partitions.forEach(consumer::position);
    }
  }
}
