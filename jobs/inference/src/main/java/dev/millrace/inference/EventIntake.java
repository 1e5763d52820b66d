package dev.millrace.inference;

import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.EventDecoder;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.SourcePlan;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.util.Collector;
import org.apache.flink.util.SimpleUserCodeClassLoader;
import org.apache.flink.util.UserCodeClassLoader;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;

/**
 * Makes an event of what a client sends: as if it were a record of the source in JSON that arrives
 * now, whatever the format of the source is. Any thread may ask.
 */
final class EventIntake {

  /** No record of the source: no row says that it includes it. */
  static final int NO_PARTITION = -1;

  private final SourcePlan plan;
  private final EventDecoder decoder;

  EventIntake(SourcePlan plan) {
    this.plan = inJson(plan);
    this.decoder = new EventDecoder(this.plan, NoSchemas::new);
    this.decoder.open(new Opening());
  }

  /** The event, or why it is none: its letter, which nobody writes. */
  synchronized Inbound take(byte[] json, long nowMillis) throws IOException {
    List<Inbound> decoded = new ArrayList<>(1);
    decoder.deserialize(
        new ConsumerRecord<>(
            plan.topic(),
            NO_PARTITION,
            0,
            nowMillis,
            TimestampType.LOG_APPEND_TIME,
            0,
            json.length,
            new byte[0],
            json,
            new RecordHeaders(),
            Optional.empty()),
        new Into(decoded));
    return decoded.get(0);
  }

  /** Without its bytes, which nobody asks for any more. */
  static Event withoutBytes(Event event) {
    return new Event(
        event.partition(),
        event.offset(),
        event.recordTimeMillis(),
        event.eventTimeMillis(),
        event.id(),
        event.values(),
        null,
        null);
  }

  private static SourcePlan inJson(SourcePlan plan) {
    return new SourcePlan(
        plan.name(),
        plan.topic(),
        true,
        plan.schema(),
        plan.idField(),
        plan.timeField(),
        plan.maxOutOfOrdernessMillis(),
        plan.maxAheadMillis(),
        plan.contract(),
        plan.usedFields(),
        plan.stage());
  }

  private record Into(List<Inbound> list) implements Collector<Inbound> {
    @Override
    public void collect(Inbound inbound) {
      list.add(inbound);
    }

    @Override
    public void close() {}
  }

  /** JSON names no schema. */
  private static final class NoSchemas implements SubjectRegistry {
    @Override
    public int register(String subject, String schemaJson) {
      throw new UnsupportedOperationException("Cannot register a schema on request");
    }

    @Override
    public String schemaById(int id) throws IOException {
      throw new UnknownSchemaException(id);
    }
  }

  private static final class Opening implements DeserializationSchema.InitializationContext {
    @Override
    public MetricGroup getMetricGroup() {
      return new UnregisteredMetricsGroup();
    }

    @Override
    public UserCodeClassLoader getUserCodeClassLoader() {
      return SimpleUserCodeClassLoader.create(EventIntake.class.getClassLoader());
    }
  }
}
