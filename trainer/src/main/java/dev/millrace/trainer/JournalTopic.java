package dev.millrace.trainer;

import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Appends to a topic that is kept for ever, and makes it where it is not there. */
final class JournalTopic {

  static void append(
      Target target, SubjectRegistry registry, String topic, String key, GenericRecord record)
      throws IOException, InterruptedException {
    try (Admin admin = Topics.admin(target)) {
      Topics.create(admin, List.of(topic));
    }
    int id = registry.register(Topics.subject(topic), record.getSchema().toString());
    byte[] value = new WireFormat.Writer(id, record.getSchema()).write(record);
    try (KafkaProducer<String, byte[]> producer = TopicLog.producer(target)) {
      producer.send(new ProducerRecord<>(topic, key, value)).get();
    } catch (ExecutionException e) {
      throw new IOException(
          "Cannot write to " + topic + " for model " + key + ": " + e.getCause(), e);
    }
  }

  private JournalTopic() {}
}
