package dev.millrace.drift.audit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.feature.Arrival;
import dev.millrace.core.row.Positions;
import dev.millrace.drift.audit.Audited.Difference;
import dev.millrace.drift.audit.Audited.Result;
import dev.millrace.drift.audit.Shop.Payment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RowAuditTest {

  private static final long NOW = 5;

  private final Path dir;
  private final Shop shop;
  private final Random random = new Random(17);

  RowAuditTest(@TempDir Path dir) {
    this.dir = dir;
    this.shop = new Shop(dir);
  }

  @Test
  void rowsThatWereServedRightlyMatch() throws Exception {
    shop.trade(random, 400);
    shop.archive(shop.log);
    try (ArchivedEvents archive = new ArchivedEvents(shop.loader())) {
      for (FeatureView view : List.of(Shop.exact(), Shop.tiled())) {
        RowAudit audit = audit(view, archive);
        for (AuditCase row : rows(view, 5)) {
          Audited audited = Objects.requireNonNull(audit.audit(row, false, NOW));
          assertThat(audited.result()).as("%s", audited).isEqualTo(Result.MATCH);
          assertThat(audited.compared()).isEqualTo(view.features().size());
          assertThat(audited.eventsRead()).isPositive();
        }
      }
    }
    assertThat(shop.log).extracting(Payment::verdict).contains("LATE exact,tiled", "LATE tiled");
    assertThat(dir.resolve("audit")).doesNotExist();
  }

  @Test
  void aValueThatIsOffByOneIsFoundAndKept() throws Exception {
    shop.trade(random, 400);
    shop.archive(shop.log);
    try (ArchivedEvents archive = new ArchivedEvents(shop.loader())) {
      for (FeatureView view : List.of(Shop.exact(), Shop.tiled())) {
        RowAudit audit = audit(view, archive);
        for (AuditCase row : rows(view, 23)) {
          String feature = view.features().get(random.nextInt(view.features().size())).name();
          Double served = row.served().get(feature);
          Double wrong = served == null ? (Double) 0.0 : (Double) (served + 1);
          Audited audited =
              Objects.requireNonNull(audit.audit(with(row, feature, wrong), false, NOW));
          assertThat(audited.result()).as("%s", audited).isEqualTo(Result.MISMATCH);
          assertThat(audited.differences()).containsExactly(new Difference(feature, wrong, served));
          assertReproduces(view, audited);
        }
      }
    }
  }

  /** The events of the file give the value that was recomputed, and none of them can go. */
  private static void assertReproduces(FeatureView view, Audited audited) throws Exception {
    JsonNode file = new JsonMapper().readTree(Files.readAllBytes(Path.of(audited.reproduction())));
    Difference difference = audited.differences().get(0);
    AuditedView plan = AuditedView.of(Shop.SOURCE, view, Shop.VERSION);
    int feature = plan.features().indexOf(difference.feature());
    List<Arrival> events = new ArrayList<>();
    for (JsonNode event : file.get("events")) {
      @Nullable Object[] values = new Object[event.get("values").size()];
      for (int v = 0; v < values.length; v++) {
        JsonNode value = event.get("values").get(v);
        values[v] = value.isNull() ? null : (Double) value.doubleValue();
      }
      events.add(
          new Arrival(
              event.get("time").longValue(),
              event.get("partition").intValue(),
              event.get("offset").longValue(),
              values,
              values.length));
    }
    long at = file.get("time").longValue();
    Object again = plan.fold().values(events, at)[feature];
    assertThat(RowAudit.number(again)).isEqualTo(difference.recomputed());
    assertThat(events.size()).isLessThanOrEqualTo(file.get("events_counted").intValue());
    for (Arrival event : events) {
      List<Arrival> without = new ArrayList<>(events);
      assertThat(without.remove(event)).isTrue();
      assertThat(plan.fold().values(without, at)[feature]).isNotEqualTo(again);
    }
  }

  @Test
  void anArchiveThatHasNotComeThereIsWaitedFor() throws Exception {
    shop.trade(random, 200);
    AuditCase row = shop.rows.get(shop.rows.size() - 1);
    FeatureView view = row.view().equals("exact") ? Shop.exact() : Shop.tiled();
    try (ArchivedEvents archive = new ArchivedEvents(shop.loader())) {
      RowAudit audit = audit(view, archive);
      AuditCase recent = scoredAt(row, System.currentTimeMillis());
      assertThat(audit.audit(recent, false, NOW)).as("there is no table yet").isNull();
      int last = shop.log.size() - 1;
      while (!row.positions().covers(shop.log.get(last).partition(), shop.log.get(last).offset())
          || !shop.log.get(last).key().equals(row.entityKey())) {
        last--;
      }
      shop.archive(shop.log.subList(0, last));
      assertThat(audit.audit(recent, false, NOW)).isNull();
      Audited behind = Objects.requireNonNull(audit.audit(recent, true, NOW));
      assertThat(behind.result()).isEqualTo(Result.UNDECIDABLE);
      assertThat(behind.reason()).startsWith("ARCHIVE_BEHIND");
      shop.archive(shop.log.subList(last, shop.log.size()));
      Audited there = Objects.requireNonNull(audit.audit(recent, false, NOW));
      assertThat(there.result()).isEqualTo(Result.MATCH);
    }
  }

  @Test
  void whatTheArchiveHasLostIsAMismatch() throws Exception {
    shop.trade(random, 300);
    List<AuditCase> all = rows(Shop.exact(), 1);
    AuditCase row = all.get(all.size() - 1);
    List<Payment> rest = new ArrayList<>(shop.log);
    assertThat(
            rest.removeIf(
                p -> p.key().equals(row.entityKey()) && p.at() > row.timeMillis() - 30 * 60_000))
        .isTrue();
    shop.archive(rest);
    try (ArchivedEvents archive = new ArchivedEvents(shop.loader())) {
      Audited audited = Objects.requireNonNull(audit(Shop.exact(), archive).audit(row, false, NOW));
      assertThat(audited.result()).isEqualTo(Result.MISMATCH);
      assertThat(audited.reason()).startsWith("ARCHIVE_LOST");
    }
  }

  @Test
  void anArchiveThatBeginsTooLateDecidesOnlyWhatItCan() throws Exception {
    shop.trade(random, 400);
    shop.archive(shop.log.stream().filter(p -> p.offset() >= 40).toList());
    int young = 0;
    int matched = 0;
    try (ArchivedEvents archive = new ArchivedEvents(shop.loader())) {
      RowAudit audit = audit(Shop.exact(), archive);
      for (AuditCase row : rows(Shop.exact(), 3)) {
        Audited audited = Objects.requireNonNull(audit.audit(row, false, NOW));
        assertThat(audited.result()).as("%s", audited).isNotEqualTo(Result.MISMATCH);
        if (audited.result() == Result.MATCH) {
          matched++;
        } else if (String.valueOf(audited.reason()).startsWith("ARCHIVE_YOUNG")) {
          young++;
        }
      }
      AuditCase late = rows(Shop.exact(), 1).get(rows(Shop.exact(), 1).size() - 1);
      Audited wrong = Objects.requireNonNull(audit.audit(with(late, "count_1h", 99.0), false, NOW));
      assertThat(wrong.result()).as("far from the archive's begin").isEqualTo(Result.MISMATCH);
    }
    assertThat(young).isPositive();
    assertThat(matched).isPositive();
  }

  @Test
  void anEntityThatMayHaveHadTooManyEventsIsUndecidable() throws Exception {
    shop.trade(random, 300);
    shop.archive(shop.log);
    FeatureView exact = Shop.exact();
    FeatureView narrow =
        new FeatureView(
            exact.name(),
            exact.entity(),
            exact.source(),
            exact.keyFields(),
            exact.filter(),
            exact.accuracy(),
            exact.refresh(),
            exact.allowedLateness(),
            exact.ttl(),
            exact.features(),
            8,
            exact.redis(),
            exact.id());
    try (ArchivedEvents archive = new ArchivedEvents(shop.loader())) {
      AuditCase row = with(rows(exact, 1).get(200), "count_1h", 3.0);
      Audited audited = Objects.requireNonNull(audit(narrow, archive).audit(row, false, NOW));
      assertThat(audited.result()).isEqualTo(Result.UNDECIDABLE);
      assertThat(audited.reason()).startsWith("MAX_EVENTS");
    }
  }

  @Test
  void whatTheArchiveDoesNotTellIsUndecidable() throws Exception {
    long day = 86_400_000;
    shop.archive(
        List.of(
            payment(0, 0, "a", Shop.START, "one", 5),
            payment(1, 0, "a", Shop.START, "one", 5),
            payment(0, 1, "b", Shop.START, "two", 5),
            payment(0, 1, "c", Shop.START, "two", 5),
            payment(0, 2, "d", Shop.START, "three", 5),
            payment(0, 3, "e", Shop.START + 8 * day, "three", 5)));
    assertThat(reason("one", "0:0,1:0", Shop.START, 9)).startsWith("REPEATED_ACROSS");
    assertThat(reason("one", "0:0,1:0", Shop.START, 5)).as("of a match").isEqualTo("null");
    assertThat(reason("two", "0:1", Shop.START, 9)).startsWith("TOPIC_ANEW");
    assertThat(reason("three", "0:3", Shop.START + 8 * day, 9)).startsWith("STATE_EXPIRED");
    assertThat(reason("three", "0:2", Shop.START, 9)).as("of a mismatch").isEqualTo("null");
  }

  private String reason(String card, String positions, long atMillis, double last)
      throws Exception {
    SortedMap<String, @Nullable Double> served = new TreeMap<>();
    served.put("amount_last", last);
    AuditCase row =
        new AuditCase(
            "0",
            "risk",
            "tiled",
            card + "~0",
            atMillis,
            Positions.parse(positions),
            Shop.VERSION,
            7,
            served);
    try (ArchivedEvents archive = new ArchivedEvents(shop.loader())) {
      return String.valueOf(
          Objects.requireNonNull(audit(Shop.tiled(), archive).audit(row, false, NOW)).reason());
    }
  }

  private static Payment payment(
      int partition, long offset, String id, long atMillis, String card, double amount) {
    return new Payment(partition, offset, id, atMillis, card, 0, amount, true, "OK");
  }

  @Test
  void aRowOfAnotherDefinitionIsUndecidable() throws Exception {
    shop.trade(random, 50);
    try (ArchivedEvents archive = new ArchivedEvents(shop.loader())) {
      AuditedView other = AuditedView.of(Shop.SOURCE, Shop.exact(), "5-0123456789ab");
      RowAudit audit =
          new RowAudit(other, archive, Shop.options(), new Reproductions(dir.resolve("audit")));
      Audited audited =
          Objects.requireNonNull(audit.audit(rows(Shop.exact(), 1).get(0), false, NOW));
      assertThat(audited.reason()).startsWith("OTHER_DEFINITION");
    }
  }

  private RowAudit audit(FeatureView view, ArchivedEvents archive) {
    return new RowAudit(
        AuditedView.of(Shop.SOURCE, view, Shop.VERSION),
        archive,
        Shop.options(),
        new Reproductions(dir.resolve("audit")));
  }

  private List<AuditCase> rows(FeatureView view, int each) {
    List<AuditCase> ofView = shop.rows.stream().filter(r -> r.view().equals(view.name())).toList();
    List<AuditCase> some = new ArrayList<>();
    for (int i = 0; i < ofView.size(); i += each) {
      some.add(ofView.get(i));
    }
    return some;
  }

  static AuditCase with(AuditCase row, String feature, Double value) {
    SortedMap<String, @Nullable Double> served = new TreeMap<>(row.served());
    served.put(feature, value);
    return new AuditCase(
        row.predictionId(),
        row.model(),
        row.view(),
        row.entityKey(),
        row.timeMillis(),
        row.positions(),
        row.version(),
        row.scoredAtMillis(),
        served);
  }

  private static AuditCase scoredAt(AuditCase row, long scoredAtMillis) {
    return new AuditCase(
        row.predictionId(),
        row.model(),
        row.view(),
        row.entityKey(),
        row.timeMillis(),
        row.positions(),
        row.version(),
        scoredAtMillis,
        row.served());
  }
}
