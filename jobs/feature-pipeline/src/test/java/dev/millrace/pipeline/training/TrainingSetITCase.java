package dev.millrace.pipeline.training;

import static dev.millrace.pipeline.training.ShopHistory.HOUR;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.pipeline.training.ShopHistory.Payment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole sets of a model in batch mode over real tables, against a naive join. */
class TrainingSetITCase {

  private final Path dir;
  private final ShopHistory history;

  TrainingSetITCase(@TempDir Path dir) throws Exception {
    this.dir = dir;
    this.history = new ShopHistory(dir);
  }

  @Test
  void setsOfAModelAreWhatANaiveJoinGives() throws Exception {
    Map<Knowledge, String> hashes = new HashMap<>();
    Map<String, Long> snapshots = new HashMap<>();
    for (Knowledge knowledge : Knowledge.values()) {
      Path out = dir.resolve("fraud-" + knowledge + ".parquet");
      JsonNode report = history.warehouse.join(model(knowledge, out, Map.of()));
      List<List<@Nullable Object>> expected = naive(knowledge);
      assertThat(ShopWarehouse.read(out)).isEqualTo(expected);
      assertThat(report.path("rows").asInt()).isEqualTo(expected.size());
      assertThat(report.path("nulls").path("shops_count_1h").asDouble())
          .as(report.toString())
          .isBetween(0.05, 1.0);
      hashes.put(knowledge, report.path("sha256").asText());
      JsonNode ids =
          new JsonMapper().readTree(report.path("from").path("millrace.snapshots").asText());
      ids.properties().forEach(e -> snapshots.put(e.getKey(), e.getValue().asLong()));
    }
    assertThat(hashes.values()).doesNotHaveDuplicates();
    assertThat(snapshots).hasSize(5);

    history.moreRows();
    Path again = dir.resolve("again.parquet");
    assertThat(
            history
                .warehouse
                .join(model(Knowledge.STREAM, again, snapshots))
                .path("sha256")
                .asText())
        .isEqualTo(hashes.get(Knowledge.STREAM));
    assertThat(Files.mismatch(again, dir.resolve("fraud-STREAM.parquet"))).isEqualTo(-1);
    assertThat(
            history
                .warehouse
                .join(model(Knowledge.STREAM, again, Map.of()))
                .path("sha256")
                .asText())
        .isNotEqualTo(hashes.get(Knowledge.STREAM));
  }

  private static SetRequest model(Knowledge knowledge, Path out, Map<String, Long> snapshots) {
    SetRequest request =
        new SetRequest("fraud", null, List.of(), knowledge, null, out.toString(), snapshots);
    // What the job's main makes of the arguments it is started with.
    return SetRequest.parse(request.arguments().toArray(new String[0]), new ArrayList<>());
  }

  private List<List<@Nullable Object>> naive(Knowledge knowledge) {
    List<Payment> taken = new ArrayList<>();
    for (Payment p : history.payments) {
      boolean mature = p.time() + 2 * HOUR <= history.newestReport();
      if (mature && (knowledge != Knowledge.SERVED || p.scoredAt() != null)) {
        taken.add(p);
      }
    }
    taken.sort(
        (a, b) ->
            a.time() != b.time() ? Long.compare(a.time(), b.time()) : a.id().compareTo(b.id()));
    List<List<@Nullable Object>> rows = new ArrayList<>();
    for (Payment p : taken) {
      long known =
          knowledge == Knowledge.SERVED ? Objects.requireNonNull(p.scoredAt()) : Long.MAX_VALUE;
      LogRow card =
          knowledge == Knowledge.CORRECTED
              ? ShopHistory.last(history.cards.get(p.card()), p.time(), known)
              : seen(history.cards.get(p.card()), p, known);
      LogRow shop =
          p.shop() == null ? null : ShopHistory.last(history.shops.get(p.shop()), p.time(), known);
      List<@Nullable Object> row = new ArrayList<>(List.of(p.id(), p.time() * 1000));
      row.add(number(card, 0));
      row.add(number(card, 1));
      row.add(number(shop, 0));
      row.add(p.amount());
      row.add(p.fraud() ? 1.0 : 0.0);
      rows.add(row);
    }
    return rows;
  }

  private static double number(@Nullable LogRow row, int feature) {
    Object value = row == null ? null : row.values()[feature];
    return value == null ? -1 : ((Number) value).doubleValue();
  }

  private static @Nullable LogRow seen(@Nullable List<LogRow> log, Payment p, long known) {
    LogRow seen = null;
    for (LogRow row : log == null ? List.<LogRow>of() : log) {
      if (row.knownAtMillis() > known) {
        continue;
      }
      if (row.timeMillis() <= p.time()) {
        seen = row;
      }
      if (row.positions().covers(p.partition(), p.offset())) {
        break;
      }
    }
    return seen;
  }
}
