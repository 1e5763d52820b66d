package dev.millrace.e2e;

import dev.millrace.e2e.NaiveMarket.Delivery;
import dev.millrace.e2e.NaiveMarket.Purchase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Future;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.parquet.avro.AvroParquetWriter;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.io.LocalOutputFile;

/** What is produced for the project {@code market}, and where it came to stand. */
final class MarketLoad {

  static final int CUSTOMERS = 30;
  static final int SHOPS = 6;

  private final Path folder;
  private final Schema schema;
  private final List<Purchase> purchases = new ArrayList<>();
  private final List<Delivery> deliveries = new ArrayList<>();

  /**
   * Nothing yet.
   *
   * @param folder where deliveries go
   */
  MarketLoad(Path folder, Schema schema) {
    this.folder = folder;
    this.schema = schema;
  }

  List<Purchase> purchases() {
    return purchases;
  }

  List<Delivery> deliveries() {
    return deliveries;
  }

  void send(KafkaProducer<String, byte[]> producer, List<Purchase> batch) throws Exception {
    List<Future<RecordMetadata>> places = new ArrayList<>();
    for (Purchase p : batch) {
      String json =
          String.format(
              Locale.ROOT,
              "{\"id\":\"%s\",\"at\":%d,\"customer\":\"%s\",\"shop\":\"%s\",\"amount\":%s}",
              p.id(),
              p.time(),
              p.customer(),
              p.shop(),
              p.amount());
      places.add(
          producer.send(
              new ProducerRecord<>(
                  "purchases", p.customer(), json.getBytes(StandardCharsets.UTF_8))));
    }
    for (int i = 0; i < places.size(); i++) {
      RecordMetadata place = places.get(i).get();
      Purchase p = batch.get(i);
      purchases.add(
          new Purchase(
              place.partition(),
              place.offset(),
              p.id(),
              p.time(),
              p.customer(),
              p.shop(),
              p.amount()));
    }
  }

  static Purchase purchase(String id, long time, String customer, String shop, double amount) {
    return new Purchase(-1, -1, id, time, customer, shop, amount);
  }

  static List<Delivery> some(
      Random random, String prefix, int count, long fromMillis, long toMillis) {
    List<Delivery> some = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long at = fromMillis + (long) (random.nextDouble() * (toMillis - fromMillis));
      some.add(
          new Delivery(
              prefix + i, at, "s" + random.nextInt(SHOPS), random.nextInt(100_000) / 1000.0));
    }
    return some;
  }

  /** What is found at one look is read by event time. */
  void take(List<Delivery> found) {
    found.stream().sorted(Comparator.comparingLong(Delivery::time)).forEach(deliveries::add);
  }

  /** A file that is there whole, under its own name, or not at all. */
  void deliver(String name, List<Delivery> rows) throws IOException {
    Path part = folder.resolve("_" + name);
    try (ParquetWriter<GenericRecord> writer =
        AvroParquetWriter.<GenericRecord>builder(new LocalOutputFile(part))
            .withSchema(schema)
            .withConf(new PlainParquetConfiguration())
            .build()) {
      for (Delivery row : rows) {
        GenericRecord record = new GenericData.Record(schema);
        record.put("id", row.id());
        record.put("at", row.time());
        record.put("shop", row.shop());
        record.put("weight", row.weight());
        writer.write(record);
      }
    }
    Files.move(part, folder.resolve(name + ".parquet"));
  }
}
