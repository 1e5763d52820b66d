package dev.millrace.drift.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Entity;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.model.PredictionId;
import dev.millrace.drift.audit.Audited.Difference;
import dev.millrace.drift.audit.Audited.Result;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.DefinitionsLog.KeptView;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.platform.RunningViews;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import dev.millrace.streaming.StrictEnvironment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From the records of a predictions topic to audits, on real tasks, against a real archive. */
class AuditsITCase {

  private static final int SCHEMA_ID = 3;
  private static final String CHANGED = "ffffffffffff";
  private static final ViewIdentity IDENTITY = new ViewIdentity(4, "0123456789ab");
  private static final List<String> KEYS = List.of("card", "shop");
  private static final Schema ROW =
      Wire.PREDICTION.getField("rows").schema().getTypes().get(1).getValueType();

  private final Path dir;
  private final Shop shop;

  AuditsITCase(@TempDir Path dir) {
    this.dir = dir;
    this.shop = new Shop(dir);
  }

  @Test
  void aWrongValueAmongRightOnesIsFound() throws Exception {
    shop.trade(new Random(29), 250);
    shop.archive(shop.log);
    List<byte[]> predictions = new ArrayList<>();
    Map<String, AuditCase> exact = new HashMap<>();
    shop.rows.stream()
        .filter(r -> r.view().equals("exact"))
        .forEach(r -> exact.put(r.predictionId(), r));
    Set<String> wrong = new HashSet<>();
    for (AuditCase tiled : shop.rows) {
      AuditCase other = exact.get(tiled.predictionId());
      if (tiled.view().equals("tiled") && other != null) {
        boolean lie = predictions.size() % 20 == 7;
        if (lie) {
          wrong.add(id(tiled));
        }
        predictions.add(prediction(tiled, other, lie));
      }
    }
    assertThat(predictions.size()).isGreaterThan(100);

    List<Audited> audits = run(predictions);

    assertThat(audits).hasSize(2 * predictions.size());
    for (Audited audited : audits) {
      boolean lie = audited.view().equals("exact") && wrong.contains(audited.predictionId());
      assertThat(audited.result())
          .as("%s", audited)
          .isEqualTo(lie ? Result.MISMATCH : Result.MATCH);
      GenericRecord record = audited.record(Wire.AUDIT);
      assertThat(GenericData.get().validate(Wire.AUDIT, record)).isTrue();
      if (lie) {
        assertThat(audited.differences())
            .extracting(Difference::feature)
            .containsExactly("amount_sum_1h");
        assertThat(Path.of(String.valueOf(audited.reproduction()))).exists();
      }
    }
    try (Stream<Path> files = Files.list(dir.resolve("audit").resolve("shop"))) {
      assertThat(files).hasSize(wrong.size());
    }
  }

  @Test
  void theSampleIsTheSameEachTimeAndAboutItsShare() {
    AuditSample sample = new AuditSample(0.01);
    PredictionId ids = new PredictionId("shop", "risk");
    int taken = 0;
    for (int i = 0; i < 50_000; i++) {
      taken += sample.takes(ids.of("p" + i)) ? 1 : 0;
    }
    // Five standard deviations of a binomial.
    assertThat(taken).isBetween(500 - 112, 500 + 112);
    assertThat(new AuditSample(1).takes(ids.of("p"))).isTrue();
    assertThat(new AuditSample(0).takes(ids.of("p"))).isFalse();
    assertThat(sample.takes("no id of ours")).isFalse();
  }

  @Test
  void whatAVersionOfAnEarlierDefinitionWasServedIsNoMismatch() throws Exception {
    shop.trade(new Random(31), 60);
    shop.archive(shop.log);
    List<byte[]> predictions = new ArrayList<>();
    Map<String, AuditCase> exact = new HashMap<>();
    shop.rows.stream().filter(r -> r.view().equals("exact")).forEach(r -> exact.put(id(r), r));
    for (AuditCase row : shop.rows) {
      AuditCase other = exact.get(id(row));
      if (row.view().equals("tiled") && other != null) {
        predictions.add(prediction(row, other, true));
      }
    }
    Project now = changedProject();
    RunningViews running =
        RunningViews.of(
            now,
            new Applied(
                "shop",
                2,
                0,
                Map.of("exact", new ViewIdentity(5, CHANGED), "tiled", IDENTITY),
                List.of(new KeptView("exact", IDENTITY, 1)),
                Map.of(),
                Map.of()),
            Map.of(1, project()));
    List<Audited> audits = run(predictions, now, running);
    assertThat(predictions).isNotEmpty();
    assertThat(audits).hasSize(2 * predictions.size());
    // The view that did not change is audited by the names that its features had for the version.
    assertThat(audits)
        .filteredOn(a -> a.view().equals("tiled"))
        .hasSize(predictions.size())
        .allMatch(a -> a.result() == Result.MATCH && a.compared() == 2);
    assertThat(audits)
        .filteredOn(a -> a.view().equals("exact"))
        .allMatch(a -> a.result() == Result.UNDECIDABLE)
        .allMatch(a -> String.valueOf(a.reason()).startsWith("OTHER_DEFINITION"));
  }

  private List<Audited> run(List<byte[]> predictions) throws Exception {
    Project project = project();
    return run(
        predictions,
        project,
        RunningViews.only(project, Map.of("exact", IDENTITY, "tiled", IDENTITY)));
  }

  private List<Audited> run(List<byte[]> predictions, Project project, RunningViews running)
      throws Exception {
    AuditPlan plan =
        AuditPlan.of(
            project, running, Shop.options(), Audits.folder(shop.target.warehouse(), "shop"));
    Configuration conf = new Configuration();
    conf.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    StreamExecutionEnvironment env =
        StrictEnvironment.strict(StreamExecutionEnvironment.createLocalEnvironment(2, conf));
    List<Audited> audits = new ArrayList<>();
    try (CloseableIterator<Audited> results =
        Audits.of(
                env.fromData(predictions, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
                    .uid("predictions"),
                plan,
                OneSchema::new,
                source -> shop.loader())
            .executeAndCollect()) {
      results.forEachRemaining(audits::add);
    }
    return audits;
  }

  private static String id(AuditCase row) {
    return row.predictionId();
  }

  /** A prediction of one event with a row of each view. */
  private static byte[] prediction(AuditCase tiled, AuditCase exact, boolean lie) {
    Map<String, @Nullable Double> inputs = new HashMap<>();
    inputs.put("exact_count_1h", exact.served().get("count_1h"));
    inputs.put("tiled_count_1h", tiled.served().get("count_1h"));
    Double sum = exact.served().get("amount_sum_1h");
    inputs.put("amount_sum_1h", lie ? Double.valueOf(sum == null ? 1 : Math.nextUp(sum)) : sum);
    inputs.put("amount_last", tiled.served().get("amount_last"));
    inputs.put("hour", 3.0);
    GenericRecord record = new GenericData.Record(Wire.PREDICTION);
    record.put("prediction_id", tiled.predictionId());
    record.put("event_id", tiled.predictionId());
    record.put("entity_keys", Map.of("card", tiled.entityKey()));
    record.put("event_time", tiled.timeMillis());
    record.put("scored_at", 5L);
    record.put("model", "risk");
    record.put("version", 2);
    record.put(
        "role", new GenericData.EnumSymbol(Wire.PREDICTION.getField("role").schema(), "CHAMPION"));
    record.put("score", 0.25);
    record.put("inputs", inputs);
    record.put("freshness", Map.of());
    record.put("rows", Map.of("exact", row(exact), "tiled", row(tiled)));
    return new WireFormat.Writer(SCHEMA_ID, Wire.PREDICTION).write(record);
  }

  private static GenericRecord row(AuditCase row) {
    GenericRecord record = new GenericData.Record(ROW);
    record.put("time", row.timeMillis());
    record.put("source", row.positions().toString());
    record.put("version", row.version());
    return record;
  }

  private static Project project() {
    return project(
        Shop.exact(),
        new Model.Input.OfView("exact_count_1h", "exact", "count_1h", KEYS),
        new Model.Input.OfView("amount_sum_1h", "exact", "amount_sum_1h", KEYS),
        new Model.Input.OfView("tiled_count_1h", "tiled", "count_1h", KEYS),
        new Model.Input.OfView("amount_last", "tiled", "amount_last", KEYS),
        new Model.Input.OnDemand("hour", "3.0"));
  }

  /** One view has another definition, and the names of inputs are those of other features. */
  private static Project changedProject() {
    FeatureView exact = Shop.exact();
    return project(
        new FeatureView(
            exact.name(),
            exact.entity(),
            exact.source(),
            exact.keyFields(),
            null,
            exact.accuracy(),
            exact.refresh(),
            exact.allowedLateness(),
            exact.ttl(),
            exact.features().subList(2, 4),
            CHANGED),
        new Model.Input.OfView("amount_mean_1h", "exact", "amount_mean_1h", KEYS),
        new Model.Input.OfView("count_1h", "tiled", "count_1h", KEYS),
        new Model.Input.OfView("amount_sum_1h", "tiled", "amount_sum_1h", KEYS));
  }

  private static Project project(FeatureView exact, Model.Input... inputs) {
    Model model =
        new Model(
            "risk",
            "payments",
            Model.FeatureReads.ONLINE,
            List.of(inputs),
            Double.NaN,
            Map.of(),
            Duration.ofMillis(50),
            new Model.Execution(Model.Provider.CPU, 3, Duration.ofMillis(10), null),
            List.of(),
            "0.1",
            Model.Delivery.AT_LEAST_ONCE,
            null,
            null);
    return new Project(
        "shop",
        null,
        List.of(Shop.SOURCE),
        List.of(new Entity("card", KEYS)),
        List.of(exact, Shop.tiled()),
        List.of(model),
        List.of());
  }

  private static final class OneSchema implements SubjectRegistry {
    @Override
    public int register(String subject, String schema) {
      throw new AssertionError("a reader registers nothing");
    }

    @Override
    public String schemaById(int id) {
      return Wire.PREDICTION.toString();
    }
  }
}
