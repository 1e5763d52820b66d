package dev.millrace.bench;

import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The project that scoring is measured with: requests of 10,000 customers, each scored by a model
 * of twenty inputs, eighteen from the customer's row and two from the request.
 */
final class Requests {

  static final String PROJECT = "bench";
  static final String TOPIC = "requests";
  static final String PURCHASES = "purchases";
  static final String VIEW = "customer_purchases";
  static final String MODEL = "scorer";

  /** Events that are scored with a view on themselves, so that scoring waits for the row. */
  static final String VISITS = "visits";

  static final String WAITER = "waiter";
  static final int CUSTOMERS = 10_000;
  static final int PARTITIONS = 4;

  static final String SCHEMA =
      """
      {"type": "record", "name": "Request", "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "customer", "type": "string"},
        {"name": "amount", "type": "double"},
        {"name": "age", "type": "double"}
      ]}
      """;

  private static final List<String> FUNCTIONS =
      List.of("count", "amount_sum", "amount_mean", "amount_max", "amount_min", "amount_stddev");
  private static final List<String> WINDOWS = List.of("1h", "6h", "24h");

  private static final String YAML =
      """
      project: bench
      sources:
        - {name: requests, schema: request.avsc, event-id: id, event-time: at, archive: false}
        - {name: purchases, schema: request.avsc, event-id: id, event-time: at, archive: false}
        - {name: visits, schema: request.avsc, event-id: id, event-time: at, archive: false}
      entities:
        - {name: customer, keys: [customer]}
      feature-views:
        - name: customer_purchases
          entity: customer
          source: purchases
          refresh: 1d
          aggregations:
            - {function: count, windows: [1h, 6h, 24h]}
            - {function: sum, column: amount, windows: [1h, 6h, 24h]}
            - {function: mean, column: amount, windows: [1h, 6h, 24h]}
            - {function: max, column: amount, windows: [1h, 6h, 24h]}
            - {function: min, column: amount, windows: [1h, 6h, 24h]}
            - {function: stddev, column: amount, windows: [1h, 6h, 24h]}
        - name: customer_visits
          entity: customer
          source: visits
          refresh: 1d
          aggregations:
            - {function: count, windows: [1h, 6h, 24h]}
            - {function: sum, column: amount, windows: [1h, 6h, 24h]}
            - {function: mean, column: amount, windows: [1h, 6h, 24h]}
            - {function: max, column: amount, windows: [1h, 6h, 24h]}
            - {function: min, column: amount, windows: [1h, 6h, 24h]}
            - {function: stddev, column: amount, windows: [1h, 6h, 24h]}
      models:
        - name: scorer
          source: requests
          features: online
          inputs:
            - customer_purchases:*
            - {name: amount, value: "amount"}
            - {name: age, value: "age"}
          execution: {provider: cpu, max-rows: 512, max-delay: 10ms}
        - name: waiter
          source: visits
          features: online
          inputs:
            - customer_visits:*
            - {name: amount, value: "amount"}
            - {name: age, value: "age"}
          execution: {provider: cpu, max-rows: 512}
      """;

  private final Schema schema = new Schema.Parser().parse(SCHEMA);
  private final WireFormat.Writer writer;

  Requests(int schemaId) {
    this.writer = new WireFormat.Writer(schemaId, schema);
  }

  static void write(Path folder) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("millrace.yaml"), YAML);
    Files.writeString(folder.resolve("request.avsc"), SCHEMA);
  }

  /** The view's features, in the order of its definition. */
  static List<String> features() {
    List<String> features = new ArrayList<>();
    for (String function : FUNCTIONS) {
      for (String window : WINDOWS) {
        features.add(function + "_" + window);
      }
    }
    return features;
  }

  /** The model's inputs in order. */
  static List<String> inputs() {
    List<String> inputs = new ArrayList<>(features());
    inputs.add("amount");
    inputs.add("age");
    return inputs;
  }

  /** The key of a customer's row in Redis. */
  static String redisKey(String customer) {
    return "features:{customer:" + customer + "}:" + VIEW;
  }

  static String customer(long number) {
    return "c" + Math.floorMod(Workload.mixed(number), (long) CUSTOMERS);
  }

  /** The n-th request or purchase. */
  ProducerRecord<byte[], byte[]> record(String topic, long number, long atMillis) {
    String customer = customer(number);
    GenericRecord event = new GenericData.Record(schema);
    event.put("id", topic.charAt(0) + "" + number);
    event.put("at", atMillis);
    event.put("customer", customer);
    event.put("amount", Math.floorMod(Workload.mixed(~number), 50_000L) / 100.0);
    event.put("age", Math.floorMod(Workload.mixed(number * 31), 100L) / 1.0);
    return new ProducerRecord<>(
        topic,
        Math.floorMod(customer.hashCode(), PARTITIONS),
        customer.getBytes(StandardCharsets.UTF_8),
        writer.write(event));
  }
}
