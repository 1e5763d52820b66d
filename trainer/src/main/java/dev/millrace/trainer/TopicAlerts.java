package dev.millrace.trainer;

import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Alerts on the topic of their project. */
final class TopicAlerts implements Alerts {

  private final Target target;
  private final SubjectRegistry registry;

  TopicAlerts(Target target, SubjectRegistry registry) {
    this.target = target;
    this.registry = registry;
  }

  @Override
  public void raise(Alert alert) throws IOException, InterruptedException {
    String topic = Topics.alerts(alert.project());
    try (Admin admin = Topics.admin(target)) {
      Topics.create(admin, List.of(topic));
    }
    int id = registry.register(Topics.subject(topic), Wire.ALERT.toString());
    byte[] value = new WireFormat.Writer(id, Wire.ALERT).write(record(alert));
    try (KafkaProducer<String, byte[]> producer = TopicLog.producer(target)) {
      var unusedPosition = producer.send(new ProducerRecord<>(topic, alert.model(), value)).get();
    } catch (ExecutionException e) {
      throw new IOException(
          "Cannot write alert %s of model %s to %s: %s"
              .formatted(alert.rule(), alert.model(), topic, e.getCause()),
          e);
    }
  }

  static GenericRecord record(Alert alert) {
    GenericRecord record = new GenericData.Record(Wire.ALERT);
    record.put("alert_id", alert.id());
    record.put("model", alert.model());
    record.put("rule", alert.rule());
    record.put("message", alert.message());
    record.put("event_time", alert.eventTimeMillis());
    record.put("evidence", alert.evidence());
    return record;
  }
}
