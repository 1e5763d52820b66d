package dev.millrace.bench;

import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Project;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The project that the whole loop is measured with: ten features of 100,000 customers.
 *
 * <p>The topic is partitioned by customer, as most are. Nothing is refreshed meanwhile, so that
 * each command that Redis gets is one of an event, and raw events are not archived.
 */
final class Payments {

  static final String TOPIC = "payments";
  static final String VIEW = "customer_payments";
  static final int CUSTOMERS = 100_000;

  /** The feature that tells which event a row has seen last: the customer's n-th of all. */
  static final String LAST_EVENT = "number_last";

  static final String SCHEMA =
      """
      {"type": "record", "name": "Payment", "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "customer", "type": "string"},
        {"name": "amount", "type": "double"},
        {"name": "number", "type": "long"}
      ]}
      """;

  private static final String YAML =
      """
      project: bench
      sources:
        - {name: payments, schema: payment.avsc, event-id: id, event-time: at, archive: false}
      entities:
        - {name: customer, keys: [customer]}
      feature-views:
        - name: customer_payments
          entity: customer
          source: payments
          refresh: 1d
          aggregations:
            - {function: count, windows: [5m, 1h]}
            - {function: sum, column: amount, windows: [5m, 1h]}
            - {function: mean, column: amount, windows: [5m, 1h]}
            - {function: max, column: amount, windows: [5m, 1h]}
            - {function: min, column: amount, windows: [1h]}
            - {function: last, column: number}
      """;

  private static final int PARTITIONS = 4;

  private final Schema schema = new Schema.Parser().parse(SCHEMA);
  private final WireFormat.Writer writer;

  Payments(int schemaId) {
    this.writer = new WireFormat.Writer(schemaId, schema);
  }

  static Project project() {
    return Definitions.read(Map.of("millrace.yaml", YAML, "payment.avsc", SCHEMA));
  }

  static void write(Path folder) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("millrace.yaml"), YAML);
    Files.writeString(folder.resolve("payment.avsc"), SCHEMA);
  }

  /** Which customer the n-th event is of: uniform, as {@link Workload} has its keys. */
  static int customer(long number) {
    return (int) Math.floorMod(Workload.mixed(number), (long) CUSTOMERS);
  }

  static String customerKey(int customer) {
    return "c" + customer;
  }

  /** The key of the customer's row in Redis. */
  static String redisKey(int customer) {
    return "features:{customer:" + customerKey(customer) + "}:" + VIEW;
  }

  ProducerRecord<byte[], byte[]> record(long number, long atMillis) {
    int customer = customer(number);
    GenericRecord event = new GenericData.Record(schema);
    event.put("id", "e" + number);
    event.put("at", atMillis);
    event.put("customer", customerKey(customer));
    event.put("amount", Math.floorMod(Workload.mixed(~number), 50_000L) / 100.0);
    event.put("number", number);
    return new ProducerRecord<>(
        TOPIC,
        customer % PARTITIONS,
        customerKey(customer).getBytes(StandardCharsets.UTF_8),
        writer.write(event));
  }
}
