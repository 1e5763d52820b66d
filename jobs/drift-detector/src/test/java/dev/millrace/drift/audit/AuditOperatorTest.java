package dev.millrace.drift.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.drift.audit.Audited.Result;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditOperatorTest {

  private final Path dir;
  private final Shop shop;

  AuditOperatorTest(@TempDir Path dir) {
    this.dir = dir;
    this.shop = new Shop(dir);
    shop.trade(new Random(3), 120);
  }

  @Test
  void whatIsRightMatchesAndWhatIsWrongDoesNot() throws Exception {
    shop.archive(shop.log);
    AuditCase wrong = RowAuditTest.with(shop.rows.get(20), "count_1h", 77.0);
    try (var harness = harness(Shop.options())) {
      harness.open();
      for (AuditCase row : shop.rows.subList(0, 20)) {
        harness.processElement(row, 0);
      }
      harness.processElement(wrong, 0);
      harness.endInput();
      List<Audited> audited = harness.extractOutputValues();
      assertThat(audited).hasSize(21);
      assertThat(audited.subList(0, 20)).allMatch(a -> a.result() == Result.MATCH);
      assertThat(audited.get(20).result()).isEqualTo(Result.MISMATCH);
      assertThat(Path.of(String.valueOf(audited.get(20).reproduction()))).exists();
    }
  }

  @Test
  void auditsAsTimePassesAtItsPace() throws Exception {
    shop.archive(shop.log);
    try (var harness = harness(Shop.options())) {
      harness.setProcessingTime(0);
      harness.open();
      for (AuditCase row : shop.rows.subList(0, 5)) {
        harness.processElement(row, 0);
      }
      // Not before the pipeline had the time to commit.
      harness.setProcessingTime(AuditOperator.RETRY_MILLIS - 1);
      assertThat(harness.extractOutputValues()).isEmpty();
      // The thread may need more steps than rows; one row a second at most.
      long now = AuditOperator.RETRY_MILLIS;
      int steps = 0;
      while (harness.extractOutputValues().size() < 5) {
        now += 1000;
        steps++;
        harness.setProcessingTime(now);
        Thread.onSpinWait();
      }
      assertThat(steps).isGreaterThanOrEqualTo(5);
    }
  }

  @Test
  void whatWaitsSurvivesARestart() throws Exception {
    OperatorSubtaskState snapshot;
    try (var harness = harness(Shop.options())) {
      harness.open();
      for (AuditCase row : shop.rows.subList(0, 7)) {
        harness.processElement(row, 0);
      }
      snapshot = harness.snapshot(1, 1);
    }
    shop.archive(shop.log);
    try (var harness = harness(Shop.options())) {
      harness.initializeState(snapshot);
      harness.open();
      harness.endInput();
      Set<String> views = new HashSet<>();
      harness.extractOutputValues().forEach(a -> views.add(a.predictionId() + a.view()));
      assertThat(views).hasSize(7);
      assertThat(harness.extractOutputValues()).allMatch(a -> a.result() == Result.MATCH);
    }
  }

  @Test
  void noMoreWaitThanMay() throws Exception {
    AuditOptions few = new AuditOptions(1, 60, 3, Duration.ofMinutes(10), 100);
    try (var harness = harness(few)) {
      harness.open();
      for (AuditCase row : shop.rows.subList(0, 7)) {
        harness.processElement(row, 0);
      }
      harness.endInput();
      // There is no archive at all.
      assertThat(harness.extractOutputValues())
          .hasSize(3)
          .allMatch(a -> a.result() == Result.UNDECIDABLE)
          .allMatch(a -> String.valueOf(a.reason()).startsWith("ARCHIVE_BEHIND"));
    }
  }

  private OneInputStreamOperatorTestHarness<AuditCase, Audited> harness(AuditOptions options)
      throws Exception {
    List<AuditedView> views = List.of(view(Shop.exact()), view(Shop.tiled()));
    @Nullable String folder = dir.resolve("audit").toString();
    AuditPlan plan = new AuditPlan("shop", options, views, Map.of(), folder);
    return new OneInputStreamOperatorTestHarness<>(
        new AuditOperator(plan, Map.of("payments", shop.loader())),
        AuditCase.TYPE.createSerializer(null));
  }

  private static AuditedView view(FeatureView view) {
    return AuditedView.of(Shop.SOURCE, view, Shop.VERSION);
  }
}
