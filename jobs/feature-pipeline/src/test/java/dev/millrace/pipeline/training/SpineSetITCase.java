package dev.millrace.pipeline.training;

import static dev.millrace.pipeline.training.ShopHistory.HOUR;
import static dev.millrace.pipeline.training.ShopHistory.START;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.iceberg.shaded.org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.iceberg.shaded.org.apache.parquet.example.data.Group;
import org.apache.iceberg.shaded.org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.iceberg.shaded.org.apache.parquet.hadoop.ParquetWriter;
import org.apache.iceberg.shaded.org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.iceberg.shaded.org.apache.parquet.io.LocalOutputFile;
import org.apache.iceberg.shaded.org.apache.parquet.schema.MessageType;
import org.apache.iceberg.shaded.org.apache.parquet.schema.MessageTypeParser;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A set of a spine of its own in batch mode over real tables, against a naive join. */
class SpineSetITCase {

  private final Path dir;
  private final ShopHistory history;

  SpineSetITCase(@TempDir Path dir) throws Exception {
    this.dir = dir;
    this.history = new ShopHistory(dir);
  }

  @Test
  void aSetOfASpineIsWhatANaiveJoinGives() throws Exception {
    MessageType schema =
        MessageTypeParser.parseMessageType(
            "message spine { required binary shop (UTF8); required int64 event_time"
                + " (TIMESTAMP(MILLIS,true)); optional double weight; }");
    Path file = dir.resolve("spine.parquet");
    List<List<@Nullable Object>> expected = new ArrayList<>();
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new LocalOutputFile(file))
            .withConf(new PlainParquetConfiguration())
            .withRowGroupSize(2000L)
            .withType(schema)
            .build()) {
      for (int i = 0; i < 300; i++) {
        // Ascending, so that the order of the set is that of the file; two of ten are the same.
        long at = START + i / 10 * HOUR + Math.max(1, i % 10);
        String shop = "s" + (i % 10 == 1 ? 0 : i % 10 % 9);
        Group row = new SimpleGroupFactory(schema).newGroup();
        row.add(0, shop);
        row.add(1, at);
        List<@Nullable Object> values = new ArrayList<>(List.of(shop, at));
        if (i % 3 == 0) {
          row.add(2, (double) i);
          values.add((double) i);
        } else {
          values.add(null);
        }
        writer.write(row);
        LogRow seen = ShopHistory.last(history.shops.get(shop), at, Long.MAX_VALUE);
        values.add(seen == null ? null : seen.values()[0]);
        expected.add(values);
      }
    }
    Path out = dir.resolve("of-spine.parquet");
    JsonNode report =
        history.warehouse.join(
            new SetRequest(
                null,
                file.toString(),
                List.of("shops:*"),
                Knowledge.CORRECTED,
                null,
                out.toString(),
                Map.of()));
    assertThat(ShopWarehouse.read(out)).isEqualTo(expected);
    assertThat(report.path("duplicates").asInt()).isEqualTo(30);
  }
}
